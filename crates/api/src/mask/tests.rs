use super::*;

const TEXT: &str = "\
kind: Filter
spec:
  OAuth2:
    authorizationURL: https://login.example
    clientID: shop
    secret: 'h4rd to guess' # of the shop
    secretName: other
";

fn masked(text: &str) -> Result<Masked, EditError> {
    Masked::of(Kind::Filter, text)
}

#[test]
fn a_secret_is_not_shown_and_stays_while_the_rest_changes() {
    let masked = masked(TEXT).unwrap();
    assert_eq!(masked.text, TEXT.replace("'h4rd to guess'", MASK));
    assert!(!format!("{masked:?}").contains("h4rd"));
    assert_eq!(masked.unmask(&masked.text).unwrap(), TEXT);
    let changed = masked.text.replace("clientID: shop", "clientID: cart");
    assert_eq!(masked.unmask(&changed).unwrap(), TEXT.replace("clientID: shop", "clientID: cart"));
    let replaced = masked.text.replace(MASK, "another");
    assert_eq!(masked.unmask(&replaced).unwrap(), replaced);
    let moved = masked.text.replace("secret:", "password:");
    assert_eq!(masked.unmask(&moved), Err(EditError::NoSecret("spec.OAuth2.password".into())));
    assert_eq!(masked.unmask("a: [\n").unwrap(), "a: [\n");
    assert!(masked.hides() && !Masked::of(Kind::Filter, "spec:\n  a: 1\n").unwrap().hides());
}

#[test]
fn a_secret_that_is_not_shown_is_sent_nowhere_else() {
    let masked = masked(TEXT).unwrap();
    let refused = |from: &str, to: &str, field: &str| {
        let refused = masked.unmask(&masked.text.replace(from, to));
        let (field, secret) = (field.to_owned(), "spec.OAuth2.secret".to_owned());
        assert_eq!(refused, Err(EditError::SentElsewhere { field, secret }), "{to}");
    };
    refused("https://login.example", "https://evil.example", "spec.OAuth2.authorizationURL");
    refused("    authorizationURL: https://login.example\n", "", "spec.OAuth2.authorizationURL");
    refused("clientID: shop", "clientID: shop\n    insecureTLS: true", "spec.OAuth2.insecureTLS");
    refused("clientID: shop", "clientID: shop\n    x: http://evil.example", "spec.OAuth2.x");
    refused("clientID: shop", "clientID: shop\n    list: [\"http://evil.example\"]", "spec.OAuth2.list[0]");
    let both = masked.text.replace("https://login.example", "https://other.example").replace(MASK, "another");
    assert_eq!(masked.unmask(&both).unwrap(), both, "who says a secret says where it goes");
}

#[test]
fn nothing_else_gets_a_secret_by_an_alias() {
    let masked = masked(TEXT).unwrap();
    let text = masked.text.replace(MASK, &format!("&s {MASK}"));
    for (line, path) in [
        ("clientID: *s", "spec.OAuth2.clientID"),
        ("scopes: [*s]", "spec.OAuth2.scopes[0]"),
        ("extra: {*s : a}", "spec.OAuth2.extra"),
    ] {
        let later = format!("{text}    {line}\n").replace("    clientID: shop\n", "");
        assert_eq!(masked.unmask(&later), Err(EditError::NoSecret(path.into())), "{later}");
    }
    let twice = "spec:\n  headers:\n    cookie: &s abc\n    x-token: *s\n";
    assert_eq!(Masked::of(Kind::Mapping, twice), Err(EditError::NotALine("spec.headers.x-token".into())));
}

#[test]
fn a_guess_is_another_whether_it_is_right_or_not() {
    let masked = masked(TEXT).unwrap();
    let blinded = |text: &str| masked.blinded(text, "-1").unwrap();
    assert_eq!(blinded(&masked.text), masked.text, "what is kept is what it was");
    for guess in ["h4rd to guess", "'h4rd to guess'", "\"h4rd to guess\""] {
        let guessed = masked.text.replace(MASK, guess);
        assert!(blinded(&guessed).contains("secret: \"h4rd to guess-1\" #"), "{}", blinded(&guessed));
    }
    let open = "spec:\n  secretName: a\n";
    let none = Masked::of(Kind::Filter, open).unwrap();
    assert_eq!(none.blinded(TEXT, "-1").unwrap(), TEXT, "there is nothing to guess");
}

#[test]
fn a_secret_among_others_on_a_line_is_not_shown_either() {
    let text = "spec:\n  service: web\n  add_request_headers: {x-a: {value: b}, Authorization: {value: 'h4rd'}, X-Key: gu ess}\n";
    let masked = Masked::of(Kind::Mapping, text).unwrap();
    assert_eq!(masked.text, text.replace("'h4rd'", MASK).replace("gu ess", MASK));
    let changed = masked.text.replace("value: b", "value: c");
    assert_eq!(masked.unmask(&changed).unwrap(), text.replace("value: b", "value: c"));
    let elsewhere = masked.text.replace("service: web", "service: evil");
    assert!(matches!(masked.unmask(&elsewhere), Err(EditError::SentElsewhere { .. })));
    assert!(masked.blinded(&masked.text.replacen(MASK, "h4rd", 1), "-1").unwrap().contains("{value: \"h4rd-1\"}"));
}

#[test]
fn what_cannot_be_hidden_is_not_shown_at_all() {
    let line = "    secret: 'h4rd to guess' # of the shop\n";
    for (other, expected) in [
        ("    more: {Client-Secret: \"\\x41\"}\n", "spec.OAuth2.more.Client-Secret"),
        ("    list:\n    - {password: a}\n", "spec.OAuth2.list[0].password"),
        ("    secret: |\n      a\n      b\n", "spec.OAuth2.secret"),
    ] {
        assert_eq!(masked(&TEXT.replace(line, other)), Err(EditError::NotALine(expected.into())), "{other}");
    }
    let twice = TEXT.replace("of the shop", "was h4rd to guess");
    assert_eq!(masked(&twice), Err(EditError::Repeated("spec.OAuth2.secret".into())));
    assert_eq!(masked("spec:\n  secret:\n").unwrap().text, "spec:\n  secret:\n");
}
