mod outages;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::store::{Action, Meter};

/// A connection that is being served, with the server's end of it and what the counts come to.
struct Scene {
    server: DuplexStream,
    answers: Vec<oneshot::Receiver<Result<Counts, StoreError>>>,
    served: tokio::task::JoinHandle<Task>,
}

/// How long a reply is awaited: several pauses of a server, and by seconds more than one, however busy the machine is.
const REPLY: Duration = Duration::from_secs(3);

/// Serves one operation on each of so many keys of about that size.
fn serve(keys: usize, size: usize) -> Scene {
    let (near, server) = tokio::io::duplex(64 << 10);
    let (queue, jobs) = mpsc::channel(QUEUE);
    let answers = (0..keys).map(|index| {
        let (reply, answer) = oneshot::channel();
        let key = Bytes::from(index.to_string() + &"k".repeat(size));
        let op = Op { key, action: Action::Read, meter: Meter::Number(1) };
        queue.try_send(Job::new(Ops::from_iter([op]), How::default(), reply)).unwrap();
        answer
    });
    let answers = answers.collect();
    let options =
        Arc::new(RedisOptions { url: "localhost".to_owned(), reply_timeout: REPLY, ..RedisOptions::default() });
    let resolver = Resolver::new(&options).unwrap();
    let setup = Setup { resolver, options, pool: Arc::default(), alive: Arc::new(watch::channel(false).0) };
    let connection = Connection { stream: Box::pin(near), input: BytesMut::new() };
    let served = tokio::spawn(async move {
        let mut task = Task::new(setup, jobs);
        task.serve(connection).await;
        // Until here, or the task would find that nobody has a handle.
        drop(queue);
        task
    });
    Scene { server, answers, served }
}

/// Each reply comes within the time, and all together do not.
#[tokio::test]
async fn a_server_that_answers_slowly_does_not_hang() {
    let Scene { mut server, answers, served } = serve(5, 1);
    for _ in 0..5 {
        tokio::time::sleep(REPLY / 4).await;
        server.write_all(b"$1\r\n7\r\n").await.unwrap();
    }
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().as_slice(), [Ok(Count::from(7))]);
    }
    drop(server);
    served.await.unwrap();
}

/// A megabyte and a half takes longer than a reply may, but never stands still. It is one batch: what waits for another
/// one would be given up.
#[tokio::test]
async fn what_is_large_is_sent_in_parts_and_its_buffer_not_kept() {
    let Scene { mut server, answers, served } = serve(3, 500_000);
    let mut read = BytesMut::new();
    let mut replied = 0;
    while replied < 3 {
        server.read_buf(&mut read).await.unwrap();
        tokio::time::sleep(REPLY / 20).await;
        let whole = read.len() / 500_020;
        for _ in replied..whole {
            server.write_all(b"$1\r\n7\r\n").await.unwrap();
        }
        replied = replied.max(whole);
    }
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().as_slice(), [Ok(Count::from(7))]);
    }
    drop(server);
    let mut task = served.await.unwrap();
    // With what it can make use of again.
    assert!(!task.out.try_reclaim(256 << 10), "the buffer is kept");
}
