//! Pages that take a while: they tell what strangers wrote.

use nuncio_telemetry::Turns;

/// How many are made at a time.
static TURNS: Turns = Turns::new(4);

/// What is made in its turn.
pub(super) async fn made<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> T {
    TURNS.take(make).await
}
