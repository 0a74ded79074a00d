//! Where manifests come from, on the command line and in the environment.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgGroup, Args};
use nuncio_controller::{ClusterAccess, Manifests, Selection, pod_namespace};

use super::Identity;
use crate::exit::Failure;

/// The namespace of those who do not say.
const DEFAULT_NAMESPACE: &str = "default";

/// A directory, or a cluster.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("manifests").args(["dir", "kubernetes"]).required(true))]
pub(crate) struct Place {
    /// The directory of manifests: *.yaml, *.yml and *.json, at any depth
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Which cluster, and which of its objects.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct ClusterArgs {
    /// Read the objects of a Kubernetes cluster instead of a directory
    #[arg(long, env = "NUNCIO_KUBERNETES", value_parser = FalseyValueParser::new())]
    pub(crate) kubernetes: bool,
    /// How to reach the cluster [default: the service account of the pod, else $KUBECONFIG or ~/.kube/config]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Read the gateway's own namespace only
    #[arg(long, env = "AMBASSADOR_SINGLE_NAMESPACE", value_parser = FalseyValueParser::new())]
    pub(crate) single_namespace: bool,
    /// Read the objects with these labels only
    #[arg(long, value_name = "SELECTOR", env = "AMBASSADOR_LABEL_SELECTOR")]
    pub(crate) label_selector: Option<String>,
    /// Read the objects with these fields only
    #[arg(long, value_name = "SELECTOR", env = "AMBASSADOR_FIELD_SELECTOR")]
    pub(crate) field_selector: Option<String>,
}

impl Place {
    /// A directory.
    #[cfg(test)]
    pub(crate) fn directory(dir: &str) -> Self {
        Self { dir: Some(dir.into()), cluster: ClusterArgs::default() }
    }

    /// What the command line names. A directory must be one before anything is started for it.
    pub(crate) fn manifests(&self, identity: &Identity) -> Result<Manifests, Failure> {
        match &self.dir {
            Some(dir) => {
                require_directory(dir)?;
                Ok(Manifests::Directory(dir.clone()))
            }
            None => Ok(self.cluster.manifests(&namespace(identity, true))),
        }
    }

    /// The namespace of the gateway.
    pub(crate) fn namespace(&self, identity: &Identity) -> String {
        namespace(identity, self.dir.is_none())
    }

    /// How messages name it.
    pub(crate) fn name(&self) -> String {
        self.dir.as_ref().map_or_else(|| "the cluster".to_owned(), |dir| dir.display().to_string())
    }

    /// How other commands are told of it.
    pub(crate) fn argument(&self) -> String {
        if let Some(dir) = &self.dir {
            return dir.display().to_string();
        }
        let ClusterArgs { kubeconfig, context, .. } = &self.cluster;
        let kubeconfig = kubeconfig.iter().map(|file| format!("--kubeconfig {}", file.display()));
        let context = context.iter().map(|context| format!("--context {context}"));
        std::iter::once("--kubernetes".to_owned()).chain(kubeconfig).chain(context).collect::<Vec<_>>().join(" ")
    }
}

impl ClusterArgs {
    /// Which cluster.
    pub(crate) fn access(&self) -> ClusterAccess {
        ClusterAccess { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() }
    }

    fn manifests(&self, namespace: &str) -> Manifests {
        Manifests::Kubernetes { access: self.access(), selection: self.selection(namespace) }
    }

    /// Which of its objects are read, by a gateway in `namespace`.
    pub(crate) fn selection(&self, namespace: &str) -> Selection {
        let given = |selector: &Option<String>| selector.clone().filter(|selector| !selector.trim().is_empty());
        Selection {
            namespace: self.single_namespace.then(|| namespace.to_owned()),
            labels: given(&self.label_selector),
            fields: given(&self.field_selector),
        }
    }
}

fn namespace(identity: &Identity, cluster: bool) -> String {
    let given = identity.namespace.clone().filter(|namespace| !namespace.is_empty());
    let of_pod = || cluster.then(pod_namespace).flatten();
    given.or_else(of_pod).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
}

fn require_directory(dir: &std::path::Path) -> Result<(), Failure> {
    match dir.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Failure::usage(format!("{} is not a directory", dir.display()))),
        Err(error) => Err(Failure::usage(format!("cannot read the directory {}: {error}", dir.display()))),
    }
}
