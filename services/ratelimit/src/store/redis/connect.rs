//! Connections to a Redis server.

use std::pin::Pin;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::RedisOptions;
use super::address::{Address, Target};
use super::resp::{self, Reply};

/// Any of the streams there are.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// A connection that is logged in.
pub(super) struct Connection {
    pub(super) stream: Pin<Box<dyn Stream>>,
    pub(super) input: BytesMut,
}

/// Connects, logs in and sees that the server answers.
pub(super) async fn connect(target: &Target, options: &RedisOptions) -> Result<Connection, String> {
    let connecting = async {
        let mut connection = Connection { stream: open(target, options).await?, input: BytesMut::new() };
        connection.log_in(target).await?;
        Ok(connection)
    };
    tokio::time::timeout(options.connect_timeout, connecting).await.map_err(|_| "connecting timed out".to_owned())?
}

async fn open(target: &Target, options: &RedisOptions) -> Result<Pin<Box<dyn Stream>>, String> {
    let text = |error: std::io::Error| error.to_string();
    match &target.address {
        Address::Unix(path) => Ok(Box::pin(UnixStream::connect(path).await.map_err(text)?)),
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(text)?;
            stream.set_nodelay(true).map_err(text)?;
            let keepalive =
                socket2::TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10));
            socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive).map_err(text)?;
            match &options.tls {
                None => Ok(Box::pin(stream)),
                Some(tls) => Ok(Box::pin(tls.connect(host, stream).await?)),
            }
        }
    }
}

impl Connection {
    async fn log_in(&mut self, target: &Target) -> Result<(), String> {
        if let Some(login) = &target.login {
            let (user, password) = (login.user.as_bytes(), login.password.as_bytes());
            let reply = if user.is_empty() {
                self.call(&[b"AUTH", password]).await?
            } else {
                self.call(&[b"AUTH", user, password]).await?
            };
            expect_no_error(reply)?;
        }
        if target.database != 0 {
            expect_no_error(self.call(&[b"SELECT", target.database.to_string().as_bytes()]).await?)?;
        }
        // A server that hangs accepts connections all the same.
        match self.call(&[b"PING"]).await? {
            // Users may be kept from PING and yet count.
            Reply::Error(text) if text.starts_with("NOPERM") => Ok(()),
            reply => expect_no_error(reply),
        }
    }

    /// Sends a command and waits for its reply.
    pub(super) async fn call(&mut self, arguments: &[&[u8]]) -> Result<Reply, String> {
        let mut out = BytesMut::new();
        resp::command(&mut out, arguments);
        self.stream.write_all(&out).await.map_err(|error| error.to_string())?;
        loop {
            if let Some(reply) = resp::take(&mut self.input).map_err(|error| error.to_string())? {
                return Ok(reply);
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) => return Err("the server closed the connection".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

fn expect_no_error(reply: Reply) -> Result<(), String> {
    match reply {
        Reply::Error(text) => Err(text),
        _ => Ok(()),
    }
}
