//! The command line.

use std::net::{IpAddr, SocketAddr};

use clap::{Parser, Subcommand, ValueEnum};
use reqwest::Url;

/// A small shop of four services that call each other over HTTP.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    one: Option<One>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every service in this process, and a second version of the cart
    All(All),
}

/// One service, as a container in a cluster would run it.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Which service to run
    #[arg(long)]
    pub(crate) service: Service,
    /// Address and port to listen on
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// Version that the service says it is; from v2 on the cart adds a total, and the catalog has a sale
    #[arg(long, default_value = "v1")]
    pub(crate) version: String,
    /// Where the catalog is
    #[arg(long, default_value = "http://catalog")]
    pub(crate) catalog: Url,
    /// Where the cart is
    #[arg(long, default_value = "http://cart")]
    pub(crate) cart: Url,
}

/// Every service at once, on ports that follow each other: web, catalog, cart, orders, cart v2.
#[derive(Debug, clap::Args)]
pub(crate) struct All {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) address: IpAddr,
    /// Port of the first service; the others take the four that follow. 0 lets the system choose each
    #[arg(long, default_value_t = 9101)]
    pub(crate) base_port: u16,
    /// Address and port by which services find each other: of a gateway that knows them as `SERVICE.internal`. Without it they
    /// call each other directly
    #[arg(long)]
    pub(crate) gateway: Option<SocketAddr>,
}

/// The services of the shop.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Service {
    /// The front page
    Web,
    /// What there is to buy
    Catalog,
    /// What each user wants to buy
    Cart,
    /// What was bought
    Orders,
}

impl Service {
    /// The service's name on the network and in `x-served-by`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Catalog => "catalog",
            Self::Cart => "cart",
            Self::Orders => "orders",
        }
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Plan {
    /// One service
    One(Box<One>),
    /// All of them
    All(All),
}

impl Args {
    /// What to run. The parser has refused everything that is neither.
    pub(crate) fn plan(self) -> Plan {
        match (self.command, self.one) {
            (Some(Command::All(all)), _) => Plan::All(all),
            (None, Some(one)) => Plan::One(Box::new(one)),
            (None, None) => <Self as clap::CommandFactory>::command()
                .error(clap::error::ErrorKind::MissingRequiredArgument, "give --service and --listen, or `all`")
                .exit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn takes_one_service() {
        let args = parse("nuncio-shop --service cart --listen 127.0.0.1:80 --version v2").unwrap();
        let Plan::One(one) = args.plan() else { panic!("one service was asked for") };
        assert_eq!((one.service, one.version.as_str(), one.catalog.as_str()), (Service::Cart, "v2", "http://catalog/"));
    }

    #[test]
    fn takes_all_services() {
        let Plan::All(all) = parse("nuncio-shop all --base-port 7000").unwrap().plan() else {
            panic!("all services were asked for")
        };
        assert_eq!((all.address.to_string().as_str(), all.base_port, all.gateway), ("127.0.0.1", 7000, None));
    }

    #[test]
    fn refuses_half_a_command() {
        assert!(parse("nuncio-shop --service cart").is_err());
        assert!(parse("nuncio-shop --service till --listen 127.0.0.1:80").is_err());
        assert!(parse("nuncio-shop all --service cart").is_err());
    }
}
