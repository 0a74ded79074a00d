//! Versions are of the model alone: what else goes into resources has to be the same in all builds of a revision.

use nuncio_ir::version;

#[test]
fn scripts_of_another_text_are_of_another_revision() {
    let scripts = [
        include_str!("../extension/refuse.lua"),
        include_str!("../listener/baggage.lua"),
        include_str!("../listener/choose.lua"),
        include_str!("../listener/hide_logins.lua"),
        include_str!("../listener/on_miss.lua"),
        include_str!("../listener/origin.lua"),
        include_str!("../listener/preview.lua"),
        include_str!("../listener/question.lua"),
        include_str!("../listener/select.lua"),
        include_str!("../listener/share.lua"),
    ];
    let told = "bump TRANSLATOR_REVISION, so that Envoys which reconnect get the new text, and note the version here";
    assert_eq!(version(&scripts).to_string(), "b289280964722bb8278650264341c89a", "{told}");
}
