use super::*;
use crate::store::Ops;
use crate::store::{Action, Op};

struct Sent {
    batch: Batch,
    text: String,
    replies: Vec<oneshot::Receiver<Result<Counts, StoreError>>>,
}

fn send(jobs: &[&[(&'static str, Action)]]) -> Sent {
    let mut replies = Vec::new();
    let queue: Vec<Job> = jobs
        .iter()
        .map(|ops| {
            let (reply, receiver) = oneshot::channel();
            replies.push(receiver);
            let ops = ops.iter().map(|(key, action)| Op {
                key: Bytes::from_static(key.as_bytes()),
                action: *action,
                meter: Meter::Number(60),
            });
            Job::new(ops.collect(), How::default(), reply)
        })
        .collect();
    let mut out = BytesMut::new();
    let batch = Writer::new(0).write(queue.into_iter(), &mut out);
    Sent { batch, text: String::from_utf8(out.to_vec()).unwrap(), replies }
}

impl Sent {
    fn answer(mut self, replies: &[Reply]) -> Vec<Counts> {
        for reply in replies {
            self.batch.reply(reply.clone());
        }
        assert!(self.batch.is_complete());
        self.batch.finish();
        self.replies.iter_mut().map(|reply| reply.try_recv().unwrap().unwrap()).collect()
    }
}

fn counted(value: u64) -> Result<Count, StoreError> {
    Ok(Count::from(value))
}

fn ok() -> Reply {
    Reply::Int(1)
}

#[test]
fn hits_on_one_key_are_one_command_and_each_gets_its_own_count() {
    let sent =
        send(&[&[("a", Action::Add(1))], &[("b", Action::Add(1)), ("a", Action::Add(2))], &[("a", Action::Add(3))]]);
    assert_eq!(sent.text.matches("INCRBY").count(), 2);
    assert!(sent.text.contains("$1\r\na\r\n$1\r\n6\r\n"), "{}", sent.text);
    let results = sent.answer(&[Reply::Int(16), ok(), Reply::Int(5), ok()]);
    assert_eq!(results[0].as_slice(), [counted(11)]);
    assert_eq!(results[1].as_slice(), [counted(5), counted(13)]);
    assert_eq!(results[2].as_slice(), [counted(16)]);
}

#[test]
fn what_comes_between_keeps_its_place() {
    let sent = send(&[&[("a", Action::Add(1))], &[("a", Action::Read)], &[("a", Action::Add(1))]]);
    let results = sent.answer(&[Reply::Int(1), ok(), Reply::Bulk(Some(Bytes::from_static(b"1"))), Reply::Int(2)]);
    assert_eq!(results[1].as_slice(), [counted(1)]);
    assert_eq!(results[2].as_slice(), [counted(2)]);
}

#[test]
fn the_time_to_live_is_set_once_and_again_when_the_key_is_new() {
    let mut writer = Writer::new(0);
    let mut write = || {
        let (reply, receiver) = oneshot::channel();
        std::mem::forget(receiver);
        let op = Op { key: Bytes::from_static(b"a"), action: Action::Add(1), meter: Meter::Number(60) };
        let mut out = BytesMut::new();
        let batch = writer.write([Job::new(Ops::from_iter([op]), How::default(), reply)].into_iter(), &mut out);
        (batch, String::from_utf8(out.to_vec()).unwrap())
    };
    let (_, first) = write();
    assert!(first.contains("EXPIRE"));
    let (mut batch, second) = write();
    assert!(!second.contains("EXPIRE"));
    assert_eq!(batch.reply(Reply::Int(1)).expire, Some((Bytes::from_static(b"a"), 61)));
    let (mut batch, _) = write();
    assert_eq!(batch.reply(Reply::Int(2)).expire, None);
}

#[test]
fn a_slot_on_its_way_is_asked_for_with_each_command() {
    let (reply, _receiver) = oneshot::channel();
    let op = Op { key: Bytes::from_static(b"a"), action: Action::Add(1), meter: Meter::Number(60) };
    let how = How { asking: true, whole: true };
    let mut out = BytesMut::new();
    let mut batch = Writer::new(0).write([Job::new(Ops::from_iter([op]), how, reply)].into_iter(), &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let names: Vec<_> = text.split("\r\n").filter(|word| ["ASKING", "INCRBY", "EXPIRE"].contains(word)).collect();
    assert_eq!(names, ["ASKING", "INCRBY", "ASKING", "EXPIRE"]);
    for reply in [Reply::Status("OK".to_owned()), Reply::Int(1), Reply::Status("OK".to_owned()), Reply::Int(1)] {
        assert_eq!(batch.reply(reply).expire, None);
    }
    assert!(batch.is_complete());
}

#[test]
fn only_what_all_commands_will_meet_ends_a_connection() {
    let given_up = |text: &str| {
        let mut sent = send(&[&[("a", Action::Refund(1))]]);
        sent.batch.reply(Reply::Error(text.to_owned())).give_up
    };
    assert_eq!(given_up("NOPERM User limits has no permissions to run the 'eval' command"), None);
    assert_eq!(given_up("READONLY You can't write"), Some("READONLY You can't write".to_owned()));
}

#[test]
fn errors_reach_only_those_they_are_for() {
    let sent = send(&[&[("a", Action::Add(1))], &[("b", Action::Add(1))]]);
    let results = sent.answer(&[Reply::Error("ERR overflow".to_owned()), ok(), Reply::Int(1), ok()]);
    assert_eq!(results[0].as_slice(), [Err(StoreError::Reply("ERR overflow".to_owned()))]);
    assert_eq!(results[1].as_slice(), [counted(1)]);
}

#[test]
fn a_server_that_counts_nothing_refuses_whatever_else_it_does() {
    let error = |text: &str| Reply::Error(text.to_owned());
    let verdict = |replies: [Reply; 4]| {
        let mut sent = send(&[&[("a", Action::Add(1)), ("b", Action::Add(1))]]);
        replies.into_iter().for_each(|reply| _ = sent.batch.reply(reply));
        match sent.batch.verdict() {
            Verdict::Refused(text) => Err(text.to_owned()),
            other => Ok(other == Verdict::Counted),
        }
    };
    let full = || error("OOM command not allowed");
    assert_eq!(verdict([full(), Reply::Int(0), full(), Reply::Int(0)]), Err("OOM command not allowed".to_owned()));
    assert_eq!(verdict([full(), Reply::Int(0), Reply::Int(1), ok()]), Ok(true));
    let of_key = || error("WRONGTYPE Operation against a key");
    assert_eq!(verdict([of_key(), Reply::Int(0), error("MOVED 1 b:1"), Reply::Int(0)]), Ok(false));
}

#[test]
fn large_addends_are_not_summed() {
    let large = u64::MAX / 2;
    let sent = send(&[&[("a", Action::Add(large))], &[("a", Action::Add(large))]]);
    assert_eq!(sent.text.matches("INCRBY").count(), 2);
}

#[test]
fn scripts_are_sent_once_and_take_all_that_meets() {
    use crate::algorithm::Gcra;
    use crate::window::Window;

    let meter = Meter::Gcra(Gcra::new(60, Window::from_name("minute").unwrap(), 3), 7);
    let mut writer = Writer::new(0);
    let mut write = |actions: &[Action], whole| {
        let mut replies = Vec::new();
        let jobs = actions.iter().map(|action| {
            let (reply, receiver) = oneshot::channel();
            replies.push(receiver);
            let op = Op { key: Bytes::from_static(b"a"), action: *action, meter };
            Job::new(Ops::from_iter([op]), How { asking: false, whole }, reply)
        });
        let mut out = BytesMut::new();
        let batch = writer.write(jobs, &mut out);
        (batch, String::from_utf8(out.to_vec()).unwrap(), replies)
    };
    let (mut batch, text, mut replies) = write(&[Action::Add(2), Action::Read, Action::Refund(1)], false);
    assert_eq!(text.matches("EVAL\r\n").count(), 1, "{text}");
    assert!(text.contains("7 1000 1 3 2 0 -1"), "{text}");
    batch.reply(Reply::Array([2, 2, 1, 1_000].map(Reply::Int).to_vec()));
    batch.finish();
    let values: Vec<_> =
        replies.iter_mut().map(|reply| reply.try_recv().unwrap().unwrap()[0].clone().unwrap()).collect();
    assert_eq!(values.iter().map(|count| count.value).collect::<Vec<_>>(), [2, 2, 1]);
    assert!(write(&[Action::Read], false).1.contains("EVALSHA\r\n"));
    assert!(write(&[Action::Read], true).1.contains("EVAL\r\n"));
}

#[test]
fn keys_outlive_their_windows_though_clocks_are_apart() {
    for (jitter, range) in [(0, 61..62), (3, 63..64), (300, 70..360)] {
        for _ in 0..1_000 {
            let seconds = lifetime(60, jitter);
            assert!(range.contains(&seconds), "{seconds} s, with a jitter of {jitter} s");
        }
    }
}

#[test]
fn hits_on_a_key_that_may_not_be_given_a_time_to_live_are_an_error() {
    let mut sent = send(&[&[("a", Action::Add(1)), ("b", Action::Add(1))]]);
    let text = "NOPERM User limits has no permissions to run the 'expire' command";
    let replies = [Reply::Int(1), Reply::Error(text.to_owned()), Reply::Int(1), ok()];
    let after: Vec<_> = replies.into_iter().map(|reply| sent.batch.reply(reply).give_up).collect();
    // The next connection is to try again, or such keys would pile up.
    assert_eq!(after, [None, Some(text.to_owned()), None, None]);
    sent.batch.finish();
    let results = sent.replies[0].try_recv().unwrap().unwrap();
    assert_eq!(results.as_slice(), [Err(StoreError::Reply(text.to_owned())), counted(1)]);
}

#[test]
fn a_sum_of_several_windows_lives_for_the_longest() {
    let mut replies = Vec::new();
    let jobs = [60, 86_400, 60].map(|window| {
        let (reply, receiver) = oneshot::channel();
        replies.push(receiver);
        let op = Op { key: Bytes::from_static(b"a"), action: Action::Add(1), meter: Meter::Number(window) };
        Job::new(Ops::from_iter([op]), How::default(), reply)
    });
    let mut out = BytesMut::new();
    Writer::new(0).write(jobs.into_iter(), &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    assert!(text.ends_with("EXPIRE\r\n$1\r\na\r\n$5\r\n86401\r\n"), "{text}");
}
