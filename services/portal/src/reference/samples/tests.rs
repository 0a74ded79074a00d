//! What is written into a sample is what its language reads.

use std::process::Command;

use super::*;
use crate::gateway::Credential;

/// What might end a literal too early, or be something else in one.
const HOSTILE: [&str; 10] = [
    "it's",
    "say \"hi\"",
    "line\nbreak\r\n",
    "$HOME `id` $(id) !!",
    "back\\slash \\n \\u0041 \\",
    "#{a} {b} %s ${c}",
    "\t\u{8}\u{c}\u{0}\u{b}\u{7f}",
    "*/ // -- <!--",
    "é 😀 \u{2028}",
    "@file;type=x",
];

fn request() -> Request {
    Request {
        method: "PUT".to_owned(),
        origin: Some("https://shop.example".to_owned()),
        path: "/api/carts/ann".to_owned(),
        query: vec!["q=a%20b%26c".to_owned(), String::new()],
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some("{\"it's\": \"$HOME\"}".to_owned()),
        parts: Vec::new(),
        ..Request::default()
    }
}

#[test]
fn what_lets_a_program_through_is_read_from_variables() {
    let token = Proof::of(&[vec![Credential::Token { issuer: None, scopes: Vec::new() }]], false);
    let told = Request { headers: vec![("authorization".to_owned(), "x".to_owned())], ..Request::default() };
    let told: Vec<_> = samples(&told.showing(&token)).into_iter().map(|sample| sample.code).collect();
    let expected = [
        "-H \"Authorization: Bearer $TOKEN\"",
        "headers: { \"Authorization\": \"Bearer \" + process.env.TOKEN }",
        "headers={\"Authorization\": \"Bearer \" + os.environ[\"TOKEN\"]}",
        "request.Header.Set(\"Authorization\", \"Bearer \"+os.Getenv(\"TOKEN\"))",
        ".header(\"Authorization\", \"Bearer \".to_owned() + &std::env::var(\"TOKEN\")?)",
        ".header(\"Authorization\", \"Bearer \" + System.getenv(\"TOKEN\"))",
    ];
    for (code, part) in told.iter().zip(expected) {
        assert!(code.contains(part), "{part}: {code}");
        assert!(!code.contains("authorization"), "the document's own is no second one: {code}");
    }
}

#[test]
fn a_shell_takes_nothing_for_its_own() {
    let expected = "curl -X PUT 'https://shop.example/api/carts/ann?q=a%20b%26c' \\\n  \
                    -H 'content-type: application/json' \\\n  --data-raw '{\"it'\\''s\": \"$HOME\"}'";
    assert_eq!(curl(&request()), expected);
    let hostile = Request { method: "GET; rm -rf /".to_owned(), ..Request::default() };
    assert_eq!(curl(&hostile), "curl -X 'GET; rm -rf /' 'https://HOST'");
    let empty =
        Request { method: "HEAD".to_owned(), headers: vec![("x".to_owned(), String::new())], ..Request::default() };
    assert_eq!(curl(&empty), "curl --head 'https://HOST' \\\n  -H 'x;'");
}

#[test]
fn a_shell_reads_every_text_as_it_was() {
    // No argument of a process has the character 0 in it.
    for text in HOSTILE.map(|text| text.replace('\0', "")) {
        let script = format!("printf %s {}", shell(&text));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
    }
}

#[test]
fn files_are_sent_by_the_shell() {
    let part = |name: &str, is_file| Part { name: name.to_owned(), is_file, is_repeated: false, required: true };
    let form = Request {
        method: "POST".to_owned(),
        parts: vec![part("picture", true), part("album", false)],
        ..Request::default()
    };
    let all = samples(&form);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].code, "curl -X POST 'https://HOST' \\\n  -F 'picture=@FILE' \\\n  --form-string 'album=TEXT'");
    let file = Request { parts: vec![part("", true)], ..form };
    assert!(samples(&file)[0].code.ends_with("--data-binary @FILE"));
}

#[test]
fn every_language_has_the_whole_request() {
    for Sample { language, code } in samples(&request()) {
        for part in ["PUT", "https://shop.example/api/carts/ann?q=a%20b%26c", "application/json", "$HOME"] {
            assert!(code.contains(part), "{language}: {part}: {code}");
        }
    }
}

#[test]
fn a_body_is_not_given_to_what_would_refuse_to_send_it() {
    let request = Request { method: "GET".to_owned(), ..request() };
    assert!(!javascript(&request).contains("body") && curl(&request).contains("--data-raw"));
}

/// A literal read by the rules of Go and Java for interpreted strings, of which those that JSON writes are a part; Java looks
/// for `\u` after an even number of backslashes even before that.
fn read(literal: &str, is_java: bool) -> String {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
    let (mut read, mut rest) = (String::new(), inner.chars());
    while let Some(c) = rest.next() {
        assert!(!matches!(c, '"' | '\n' | '\r'), "{literal} ends too early");
        if c != '\\' {
            read.push(c);
            continue;
        }
        match rest.next().unwrap() {
            escaped @ ('"' | '\\') => read.push(escaped),
            'n' => read.push('\n'),
            'r' => read.push('\r'),
            't' => read.push('\t'),
            'b' => read.push('\u{8}'),
            'f' => read.push('\u{c}'),
            'u' => {
                let code = u32::from_str_radix(&rest.by_ref().take(4).collect::<String>(), 16).unwrap();
                let c = char::from_u32(code).unwrap();
                assert!(!is_java || !matches!(c, '\n' | '\r' | '"' | '\\'), "Java would read {literal} first");
                read.push(c);
            }
            other => panic!("{literal} has \\{other}"),
        }
    }
    read
}

#[test]
fn go_and_java_read_every_text_as_it_was() {
    for text in HOSTILE {
        assert_eq!((read(&json(text), false), read(&json(text), true)), (text.to_owned(), text.to_owned()));
    }
}

#[test]
fn rust_reads_every_text_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("texts.rs"), directory.path().join("texts"));
    let texts: Vec<_> = HOSTILE.iter().map(|text| format!("{text:?}")).collect();
    std::fs::write(&source, format!("fn main() {{ print!(\"{{}}\", [{}].join(\"|\")); }}", texts.join(","))).unwrap();
    let compiled = Command::new("rustc").args(["--edition", "2024", "-o"]).arg(&program).arg(&source).status().unwrap();
    assert!(compiled.success());
    let read = Command::new(program).output().unwrap().stdout;
    assert_eq!(String::from_utf8(read).unwrap(), HOSTILE.join("|"));
}
