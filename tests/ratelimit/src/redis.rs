//! A Redis server of the test's own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process::{Process, command, free_port};

/// A running `redis-server` that keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens, on the loopback address.
    pub port: u16,
    arguments: Vec<String>,
    /// The one that it may use; none for all.
    processor: Option<usize>,
    process: Process,
    /// A replica writes what its master sends to a file, which a server that starts in the same directory would read.
    directory: tempfile::TempDir,
}

impl Redis {
    /// Starts one with more arguments, such as `--requirepass`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_on(None, arguments)
    }

    /// Starts one on one processor.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_pinned(processor: usize) -> anyhow::Result<Self> {
        Self::start_on(Some(processor), &[])
    }

    fn start_on(processor: Option<usize>, arguments: &[&str]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let directory = tempfile::tempdir()?;
        let process = launch(processor, port, directory.path(), &arguments)?;
        Ok(Self { port, arguments, processor, process, directory })
    }

    /// The address.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again at the same port, empty.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill();
        self.process = launch(self.processor, self.port, self.directory.path(), &self.arguments)?;
        Ok(())
    }

    /// Runs a command; nil is empty text, an array its elements by line breaks.
    ///
    /// # Errors
    /// When the server cannot be reached or answers with an error.
    pub fn call(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.calls(&[arguments])
    }

    /// Runs commands over one connection, and gives the reply to the last.
    ///
    /// # Errors
    /// When the server cannot be reached or answers one with an error.
    pub fn calls(&self, commands: &[&[&str]]) -> anyhow::Result<String> {
        calls(self.port, commands)
    }

    /// Listens to what it is told from now on.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn monitor(&self) -> anyhow::Result<Monitor> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"MONITOR\r\n")?;
        let mut told = BufReader::new(stream);
        reply(&mut told)?;
        Ok(Monitor { port: self.port, told })
    }

    /// All keys with their values and seconds to live.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn dump(&self) -> anyhow::Result<BTreeMap<String, (String, i64)>> {
        let keys = self.call(&["KEYS", "*"])?;
        keys.split('\n')
            .filter(|key| !key.is_empty())
            .map(|key| Ok((key.to_owned(), (self.call(&["GET", key])?, self.call(&["TTL", key])?.parse()?))))
            .collect()
    }
}

/// What a server is told.
#[derive(Debug)]
pub struct Monitor {
    port: u16,
    told: BufReader<TcpStream>,
}

impl Monitor {
    /// What was added until now to counters, by their keys without the begins of windows.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn added(mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        calls(self.port, &[&["ECHO", "until now"]])?;
        let mut added = BTreeMap::new();
        loop {
            let mut line = String::new();
            self.told.read_line(&mut line)?;
            let words: Vec<&str> =
                line.trim_end().trim_end_matches('"').split(" \"").map(|w| w.trim_end_matches('"')).collect();
            match words[..] {
                [_, "ECHO", "until now"] => return Ok(added),
                [_, "INCRBY", key, count] => {
                    let (counter, _) = key.rsplit_once('_').context("no window")?;
                    *added.entry(counter.to_owned()).or_default() += count.parse::<u64>()?;
                }
                _ => {}
            }
        }
    }
}

fn launch(processor: Option<usize>, port: u16, directory: &Path, arguments: &[String]) -> anyhow::Result<Process> {
    let mut command = command("redis-server", processor);
    command.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
    command.args(["--dir", &directory.to_string_lossy()]);
    let process = Process::start(command.args(arguments)).context("is redis-server installed?")?;
    let deadline = Instant::now() + Duration::from_secs(30);
    // An error is an answer too: it may want a password.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            bail!("redis-server does not start");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(process)
}

/// Runs a command at a server of any kind, such as a Sentinel, as [`Redis::call`] does.
///
/// # Errors
/// When the server cannot be reached or answers with an error.
pub fn call(port: u16, arguments: &[&str]) -> anyhow::Result<String> {
    calls(port, &[arguments])
}

fn calls(port: u16, commands: &[&[&str]]) -> anyhow::Result<String> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port))?);
    let mut last = String::new();
    for arguments in commands {
        let mut text = format!("*{}\r\n", arguments.len());
        for argument in *arguments {
            text.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
        }
        stream.get_mut().write_all(text.as_bytes())?;
        last = reply(&mut stream)?;
    }
    Ok(last)
}

fn reply(reader: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).context("no reply")?;
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "$" if rest == "-1" => Ok(String::new()),
        "$" => {
            let mut text = vec![0; rest.parse::<usize>()? + 2];
            reader.read_exact(&mut text)?;
            text.truncate(text.len() - 2);
            Ok(String::from_utf8(text)?)
        }
        "*" => {
            let items: Vec<String> = (0..rest.parse::<usize>()?).map(|_| reply(reader)).collect::<Result<_, _>>()?;
            Ok(items.join("\n"))
        }
        _ => bail!("{rest}"),
    }
}
