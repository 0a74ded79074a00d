"""The stage in a cluster: the gateway reads the shop's manifests from a real API server, with the chart's own rights."""
from __future__ import annotations

import os
import signal
import socket
import subprocess

from cluster import Cluster
from program import DemoError, Program, listens, wait_until
from stage import PORTAL_KEYS, PORTS, ROOT, Stage, replace

CHART = ROOT / "deploy/helm/nuncio"
# The shop's namespace, and the gateway's.
SHOP, EDGE = "shop", "nuncio"
POLICY = "preview-policy.yaml"


def own_address() -> str:
    """An address of this machine that EndpointSlices may have: no loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # asks for the route, and sends nothing
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        raise DemoError("this machine has no address but loopback ones, which EndpointSlices may not have")
    return address


class ClusterStage(Stage):
    """The gateway reads an API server."""

    namespace = SHOP
    usual_ports = PORTS | {"api": 6443, "etcd": 2379, "peers": 2380}

    def set_up(self) -> None:
        self.address = own_address()
        self.copy_manifests()
        self.make_secrets()
        self.cluster = Cluster(ROOT / ".tools/bin", self.work / "cluster", self.ports)
        etcd = self.start("etcd", self.cluster.etcd())
        wait_until(lambda: listens(self.ports["etcd"]), "etcd to listen", etcd)
        self.start_api_server()
        self.install()
        self.start_shop()
        self.gateway = self.start_gateway()

    def start_api_server(self) -> Program:
        # A connection to a port that nobody listens on yet is tried again by it.
        self.api_server = self.start("kube-apiserver", self.cluster.api_server())
        self.cluster.wait_until_ready(self.api_server)
        return self.api_server

    def kill_api_server(self) -> None:
        os.kill(self.api_server.process.pid, signal.SIGKILL)
        self.api_server.process.wait()

    def restart_api_server(self) -> None:
        """Starts it again in its old place among the programs: it waits for its watches to end when it is told to stop."""
        place = self.programs.index(self.api_server)
        del self.programs[place]
        self.start_api_server()
        self.programs.insert(place, self.programs.pop())

    def install(self) -> None:
        """Definitions, the rights of the chart, and the shop."""
        cluster = self.cluster
        crds = subprocess.run([str(self.nuncio), "crds", "--conversion", "none"], capture_output=True, text=True, check=True)
        cluster.kubectl("apply", "--server-side", "-f", "-", given=crds.stdout)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for namespace in (SHOP, EDGE):
            cluster.kubectl("create", "namespace", namespace)
        rights = cluster.helm_template(CHART, "--namespace", EDGE, "--show-only", "templates/rbac.yaml",
                                       "--set", "admin.allowEdits=true", "--set", "admin.allowPreviews=true")
        cluster.kubectl("apply", "-f", "-", given=rights)
        self.account = cluster.account_kubeconfig(EDGE, "nuncio")
        # It counts where the gateway is.
        policy = (self.manifests / POLICY).rename(self.work / POLICY)
        for name in ("token", "login"):
            replace(policy, f"- name: {name}\n", f"- name: {name}\n    namespace: {SHOP}\n")
        cluster.kubectl("apply", "--namespace", EDGE, "-f", str(policy))
        cluster.kubectl("apply", "--namespace", SHOP, "-f", str(self.manifests))
        self.make_place_for_keys()

    def make_place_for_keys(self) -> None:
        """The Secret of the keys that developers make in the portal, and the right to write it."""
        for what in (["secret", "generic", PORTAL_KEYS],
                     ["role", PORTAL_KEYS, "--verb=get,update", "--resource=secrets", f"--resource-name={PORTAL_KEYS}"],
                     ["rolebinding", PORTAL_KEYS, f"--role={PORTAL_KEYS}", f"--serviceaccount={EDGE}:nuncio"]):
            self.cluster.kubectl("create", "--namespace", SHOP, *what)

    def keys(self) -> list[str]:
        return ["--portal-keys-secret", f"{SHOP}/{PORTAL_KEYS}"]

    def origin(self) -> list[str]:
        return ["--kubernetes", "--kubeconfig", str(self.account), "--namespace", EDGE]

    def change(self, file: str, old: str, new: str) -> None:
        replace(self.manifests / file, old, new)
        self.apply(file)

    def apply(self, file: str) -> None:
        self.cluster.kubectl("apply", "--namespace", SHOP, "-f", str(self.manifests / file))
