use super::*;
use crate::algorithm::Sliding;
use crate::window::Window;

fn op(key: &'static str, action: Action) -> Op {
    Op { key: Bytes::from_static(key.as_bytes()), action, meter: Meter::Number(1) }
}

#[test]
fn counts_and_refunds() {
    let store = MemoryStore::default();
    let apply = |key, action| store.apply(op(key, action), 0).value;
    assert_eq!(apply("a", Action::Add(3)), 3);
    assert_eq!(apply("a", Action::Add(2)), 5);
    assert_eq!(apply("a", Action::Refund(1)), 4);
    assert_eq!(apply("a", Action::Refund(9)), 0);
    assert_eq!(apply("b", Action::Refund(9)), 0);
    assert_eq!(apply("b", Action::Read), 0);
    assert_eq!(store.len(), 1);
}

fn number(index: u64) -> Op {
    Op { key: Bytes::from(format!("{index:056}")), action: Action::Add(1), meter: Meter::Number(60) }
}

fn bytes(store: &MemoryStore) -> usize {
    let of_all = |shard: &Shard| shard.counters.values().chain(shard.older.values()).map(|one| one.bytes).sum();
    store.shards.iter().map(|shard| -> usize { of_all(&shard.lock().unwrap()) }).sum()
}

#[test]
fn where_room_is_little_what_is_in_use_stays() {
    let room = 2_000_000;
    let store = MemoryStore::new(room);
    for index in 0..100_000 {
        store.apply(number(index), 0);
        let used = store.apply(Op { meter: Meter::Number(60), ..op("used", Action::Add(1)) }, 0);
        assert_eq!(used.value, index + 1);
    }
    assert!((room * 2 / 5..=room).contains(&bytes(&store)), "{}", bytes(&store));
    store.apply(op("later", Action::Add(1)), 1_000);
    store.shards.iter().for_each(|shard| shard.lock().unwrap().forget(1_000));
    assert_eq!(store.len(), 1);
}

#[test]
fn windows_that_are_over_give_way_first() {
    let store = MemoryStore::new(4_000_000);
    let live = |index| store.apply(Op { meter: Meter::Number(1_000), ..number(index) }, 0).value;
    assert!((0..2_000).all(|index| live(index) == 1));
    // Of each second there are fewer than there is room for, of all more than that.
    for second in 1..100 {
        for index in 0..500 {
            store.apply(Op { meter: Meter::Number(1), ..number(10_000 + second * 500 + index) }, second);
        }
    }
    assert!((0..2_000).all(|index| live(index) == 2));
}

#[test]
fn parts_of_windows_take_room_too() {
    let store = MemoryStore::new(2_000_000);
    let sliding = Sliding::new(10, Window::from_name("minute").unwrap(), 60).unwrap();
    for index in 0..10_000 {
        store.apply(Op { meter: Meter::Sliding(sliding, 0), ..number(index) }, 0);
    }
    assert!(store.len() < 2_000, "{}", store.len());
}

#[test]
fn windows_that_are_over_are_forgotten() {
    let store = MemoryStore::default();
    for index in 0..SHARDS * SWEEP_AT_LEAST * 4 {
        let key = Bytes::from(index.to_string());
        store.apply(Op { key, action: Action::Add(1), meter: Meter::Number(1) }, index as u64 / 100);
    }
    assert!(store.len() < SHARDS * SWEEP_AT_LEAST * 2, "{}", store.len());
}

#[test]
fn a_counter_is_kept_for_the_longest_of_the_windows_that_begin_together() {
    let store = MemoryStore::default();
    let add = |seconds| Op { meter: Meter::Number(seconds), ..op("a", Action::Add(1)) };
    store.apply(add(60), 10);
    store.apply(add(86_400), 20);
    store.apply(add(60), 30);
    store.shards.iter().for_each(|shard| shard.lock().unwrap().forget(3_600));
    assert_eq!(store.apply(add(86_400), 3_600).value, 4);
}
