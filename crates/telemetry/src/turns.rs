//! Work that takes a while, beside the threads that answer.

use tokio::sync::Semaphore;

/// Who works so at a time: what takes long leaves processors to others. In one process logins are decided and configuration is
/// sent by the same threads that answer everybody.
#[derive(Debug)]
pub struct Turns(Semaphore);

impl Turns {
    /// So many at a time.
    #[must_use]
    pub const fn new(number: usize) -> Self {
        Self(Semaphore::const_new(number))
    }

    /// Does some work when it is its turn. Whoever does not wait for it any more has the turn until it is done all the same.
    ///
    /// # Panics
    /// When the work does.
    pub async fn take<T: Send + 'static>(&'static self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let turn = self.0.acquire().await;
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        match working.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The process ends: nobody waits for an answer any more.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_turn_is_over_when_the_work_is_done_and_not_when_nobody_waits_for_it() {
        static TURNS: Turns = Turns::new(1);
        let ((begin, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
        let first = tokio::spawn(TURNS.take(move || {
            begin.send(()).unwrap();
            ended.recv().unwrap();
        }));
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        first.abort();
        _ = first.await;
        let (done, is_done) = tokio::sync::oneshot::channel();
        let second = tokio::spawn(TURNS.take(move || done.send(()).unwrap()));
        tokio::task::yield_now().await;
        assert_eq!(TURNS.0.available_permits(), 0, "the first works still");
        end.send(()).unwrap();
        is_done.await.unwrap();
        second.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_turn_back() {
        static TURNS: Turns = Turns::new(1);
        let broken = tokio::spawn(TURNS.take::<()>(|| panic!("what nobody thought of")));
        assert!(broken.await.is_err());
        assert_eq!(TURNS.take(|| 1).await, 1);
    }
}
