"""A Kubernetes API server with its etcd, on loopback, with TLS and RBAC; and kubectl for it."""
from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from program import DemoError, Program, wait_until

# Addresses of Services, where nothing listens.
SERVICES = "10.247.0.0/16"
API_SECONDS = 60


class Cluster:
    """The files and command lines of an API server. It has no nodes and no controllers: pods would not run."""

    def __init__(self, tools: Path, directory: Path, ports: dict[str, int]) -> None:
        self.tools, self.directory, self.ports = tools, directory, ports
        self.server = f"https://127.0.0.1:{ports['api']}"
        self.admin = directory / "admin.kubeconfig"
        directory.mkdir()
        self.make_keys()

    def file(self, name: str) -> str:
        return str(self.directory / name)

    # Keys

    def make_keys(self) -> None:
        self.openssl("req", "-x509", *new_key(), "-subj", "/CN=nuncio-demo", "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign,digitalSignature", "-keyout", self.file("ca.key"),
                     "-out", self.file("ca.crt"), "-days", "30")
        self.issue("api", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
        self.issue("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n")
        self.issue("accounts", "/CN=service-accounts", "")
        user = {"client-certificate": self.file("admin.crt"), "client-key": self.file("admin.key")}
        self.write_kubeconfig(self.admin, user)

    def issue(self, name: str, subject: str, extensions: str) -> None:
        """A key and a certificate of the cluster's authority."""
        request, options = self.file(f"{name}.csr"), self.file(f"{name}.ext")
        Path(options).write_text("basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n" + extensions)
        self.openssl("req", *new_key(), "-subj", subject, "-keyout", self.file(f"{name}.key"), "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.file("ca.crt"), "-CAkey", self.file("ca.key"),
                     "-CAcreateserial", "-days", "30", "-extfile", options, "-out", self.file(f"{name}.crt"))

    def openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        if done.returncode:
            raise DemoError(f"openssl {arguments[0]}: {done.stderr.strip()}")

    def write_kubeconfig(self, file: Path, user: dict[str, str], namespace: str = "default") -> None:
        cluster = {"server": self.server, "certificate-authority": self.file("ca.crt")}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "demo",
            "clusters": [{"name": "demo", "cluster": cluster}], "users": [{"name": "demo", "user": user}],
            "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "demo", "namespace": namespace}}],
        }
        file.touch(mode=0o600)
        file.write_text(json.dumps(config))

    # Command lines

    def tool(self, name: str) -> str:
        path = self.tools / name
        if not path.exists():
            raise DemoError(f"{path} is missing: bash scripts/setup.sh kubernetes")
        return str(path)

    def etcd(self) -> list[str]:
        clients, peers = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "peers"))
        return [self.tool("etcd"), "--name=demo", f"--data-dir={self.file('etcd')}",
                f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}",
                f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
                f"--initial-cluster=demo={peers}", "--unsafe-no-fsync"]

    def api_server(self) -> list[str]:
        return [self.tool("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self.ports['etcd']}",
                "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.ports['api']}",
                f"--service-cluster-ip-range={SERVICES}", "--endpoint-reconciler-type=none",
                "--authorization-mode=RBAC", "--anonymous-auth=false", "--profiling=false",
                f"--client-ca-file={self.file('ca.crt')}", f"--tls-cert-file={self.file('api.crt')}",
                f"--tls-private-key-file={self.file('api.key')}", f"--service-account-issuer={self.server}",
                f"--service-account-key-file={self.file('accounts.crt')}",
                f"--service-account-signing-key-file={self.file('accounts.key')}"]

    # Talking to it

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """What kubectl prints, as the administrator."""
        done = subprocess.run([self.tool("kubectl"), f"--kubeconfig={self.admin}", *arguments], input=given,
                              capture_output=True, text=True, timeout=60, env=self.environment())
        if done.returncode and check:
            raise DemoError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout if not done.returncode else done.stdout + done.stderr

    def helm_template(self, chart: Path, *arguments: str) -> str:
        done = subprocess.run([self.tool("helm"), "template", "nuncio", str(chart), *arguments], capture_output=True,
                              text=True, timeout=60, env=self.environment())
        if done.returncode:
            raise DemoError(f"helm template: {done.stderr.strip()}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Caches of kubectl and helm stay in the demonstration's directory."""
        return {"HOME": str(self.directory), "PATH": "/usr/bin:/bin", "TMPDIR": tempfile.gettempdir()}

    def wait_until_ready(self, api_server: Program) -> None:
        wait_until(lambda: self.kubectl("get", "--raw", "/readyz", check=False) == "ok", "the API server", api_server,
                   API_SECONDS)

    def account_kubeconfig(self, namespace: str, account: str) -> Path:
        """A kubeconfig for a ServiceAccount, with a token of it."""
        token = self.kubectl("create", "token", account, "--namespace", namespace, "--duration=24h").strip()
        file = self.directory / f"{account}.kubeconfig"
        self.write_kubeconfig(file, {"token": token}, namespace)
        return file


def new_key() -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
