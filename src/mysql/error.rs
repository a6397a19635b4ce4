//! Errors on their way to the client: a number that carries an SQLSTATE, and one text of at most 511 bytes.

use tablenet_core::{Error, ErrorKind};

/// The longest text that the servers keep of an error, in bytes.
pub const MOST_BYTES: usize = 511;

/// `ER_UNKNOWN_ERROR` (HY000), the servers' own number for what has none.
const OTHER: u32 = 1105;
/// `ER_QUERY_INTERRUPTED` (70100).
const INTERRUPTED: u32 = 1317;
/// `ER_BAD_FIELD_ERROR` (42S22).
const UNKNOWN_COLUMN: u32 = 1054;
/// `ER_DUP_FIELDNAME` (42S21).
const DUPLICATE_COLUMN: u32 = 1060;
/// `ER_OUT_OF_SORTMEMORY` (HY001).
const OUT_OF_MEMORY: u32 = 1038;

/// What travels through the core when the connection was killed or its time was over.
#[derive(Debug)]
pub struct Interrupted;

/// The error of a call that was killed, or whose time was over.
pub fn interrupted() -> Error {
    Error::foreign(Box::new(Interrupted))
}

/// An error of a parameter or an argument.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameter, message)
}

/// The number and the text of `error`, as raised by the function `name`.
pub fn report(name: &str, error: Error) -> (u32, String) {
    let number = match error.kind() {
        ErrorKind::UnknownColumn => UNKNOWN_COLUMN,
        ErrorKind::DuplicateColumn => DUPLICATE_COLUMN,
        ErrorKind::OutOfMemory => OUT_OF_MEMORY,
        ErrorKind::Foreign => {
            return match error.into_foreign() {
                Some(payload) if payload.is::<Interrupted>() => {
                    (INTERRUPTED, format!("{name}: interrupted"))
                }
                Some(payload) => (OTHER, internal(name, &*payload)),
                None => (OTHER, format!("{name}: stopped")),
            };
        }
        _ => OTHER,
    };
    let head = format!("{name}: {error}");
    let (detail, hint) = (error.detail_text(), error.hint_text());
    let full = sentences(&head, &[detail, hint]);
    if full.len() <= MOST_BYTES {
        return (number, full);
    }
    // What to do about it helps more than a detail.
    (number, cut(sentences(&head, &[hint])))
}

/// The text of a panic: a bug of ours, which must at least be found.
pub fn internal(name: &str, payload: &(dyn std::any::Any + Send)) -> String {
    let said = match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(said), _) => said,
        (_, Some(said)) => said.as_str(),
        _ => "no message",
    };
    cut(format!("{name}: internal error: {said}"))
}

fn sentences(head: &str, rest: &[Option<&str>]) -> String {
    let mut text = head.to_owned();
    for sentence in rest.iter().flatten() {
        if !text.ends_with('.') {
            text.push('.');
        }
        text.push(' ');
        // The core knows limits; their names are ours.
        text.push_str(
            &sentence
                .replace("the memory limit", "work_mem in tablenet's configuration")
                .replace(
                    "raise the model size limit",
                    "ask the server's administrator to raise max_model_size in tablenet's configuration",
                ),
        );
    }
    text
}

/// As much of a text as the servers keep, and no NUL in it.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MOST_BYTES));
    text.replace('\0', "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_kind_of_error() {
        for (kind, number) in [
            (ErrorKind::InvalidParameter, 1105),
            (ErrorKind::UnknownColumn, 1054),
            (ErrorKind::DuplicateColumn, 1060),
            (ErrorKind::OutOfMemory, 1038),
        ] {
            assert_eq!(
                report("f", Error::new(kind, "no")),
                (number, "f: no".to_owned())
            );
        }
        assert_eq!(
            report("f", interrupted()),
            (1317, "f: interrupted".to_owned())
        );
    }

    #[test]
    fn detail_and_hint_follow_the_message() {
        let error = invalid("epochs must be at least 1, not 0")
            .detail("It was 0.")
            .hint("Raise the memory limit.");
        let text = "f: epochs must be at least 1, not 0. It was 0. Raise work_mem in tablenet's configuration.";
        assert_eq!(report("f", error).1, text);
    }

    #[test]
    fn a_long_text_keeps_its_hint_or_is_cut_between_characters() {
        let long = invalid("é".repeat(100))
            .detail("é".repeat(300))
            .hint("Do it.");
        assert_eq!(
            report("f", long).1,
            format!("f: {}. Do it.", "é".repeat(100))
        );
        let (_, text) = report("f", invalid("é".repeat(400)));
        assert_eq!(text, format!("f: {}", "é".repeat(254)));
    }
}
