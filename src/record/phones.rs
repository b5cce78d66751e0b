//! Where people are reached stays out of a recording: their numbers in what a backend says, and in what is asked.
//!
//! What is hidden: the `address` of an object whose `type` says that it is a way to reach somebody (`PagerDuty`'s
//! `phone_contact_method`, and `sms` in its log entries), and a member that is named `phone` or `phone_number`. As many
//! bytes stand there afterwards, so that a document still reads, and all other bytes are what they were.
//!
//! It reads tokens and no more: a document that was cut, several of them behind each other, and what is no JSON at all
//! go through it as well. Start at [`hidden`].

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

/// Without one of these there is nobody's number in it.
const SIGNS: [&[u8]; 3] = [b"contact_method", b"phone", b"\"sms\""];
/// Ends of the types of objects whose `address` reaches somebody.
const WAYS: [&str; 2] = ["contact_method", "contact_method_reference"];
/// Types of a notification that was sent to a number.
const SENT: [&str; 2] = ["phone", "sms"];
/// Members that are a number themselves.
const NUMBERS: [&str; 2] = ["phone", "phone_number"];

/// The bytes with nobody's number in them.
pub(super) fn hidden(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !SIGNS.iter().any(|sign| memmem::find(&bytes, sign).is_some()) {
        return bytes;
    }
    let places = places(&bytes);
    if places.is_empty() {
        return bytes;
    }
    let mut bytes = bytes.into_owned();
    for place in places {
        for byte in bytes.get_mut(place.within).unwrap_or_default() {
            match place.kind {
                Kind::Text => *byte = b'*',
                // No larger than it was, and no zero leads it.
                Kind::Number if *byte != b'-' => *byte = b'1',
                Kind::Number => {}
            }
        }
    }
    Cow::Owned(bytes)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

/// What is to be hidden, without its quotes.
#[derive(Debug, Clone)]
struct Place {
    within: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Object,
    List,
    /// A list of a member that is named as a number of people.
    Numbers,
}

/// An object or a list that was begun.
struct Open {
    shape: Shape,
    /// Of an object, the member that comes; empty in a list.
    name: String,
    /// Whether a value comes now: always in a list.
    at_value: bool,
    reaches: bool,
    addresses: Vec<Place>,
}

impl Open {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            name: String::new(),
            at_value: shape != Shape::Object,
            reaches: false,
            addresses: Vec::new(),
        }
    }

    fn hides(&self) -> bool {
        self.shape == Shape::Numbers || NUMBERS.contains(&self.name.as_str())
    }

    /// Takes a value, and gives back what of it is to be hidden already.
    fn take(&mut self, place: Place, bytes: &[u8]) -> Option<Place> {
        if self.hides() {
            return Some(place);
        }
        match self.name.as_str() {
            "address" => self.addresses.push(place),
            "type" if place.kind == Kind::Text => {
                let kind = text(bytes, &place.within);
                self.reaches |= SENT.contains(&kind.as_str()) || WAYS.iter().any(|end| kind.ends_with(end));
            }
            _ => {}
        }
        None
    }

    fn close(self) -> Vec<Place> {
        if self.reaches { self.addresses } else { Vec::new() }
    }
}

fn places(bytes: &[u8]) -> Vec<Place> {
    let (mut found, mut open) = (Vec::new(), Vec::<Open>::new());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let begun = at;
        at += 1;
        match byte {
            b'{' => open.push(Open::new(Shape::Object)),
            b'[' => {
                let is_numbers = open.last().is_some_and(Open::hides);
                open.push(Open::new(if is_numbers { Shape::Numbers } else { Shape::List }));
            }
            b'}' | b']' => found.extend(open.pop().map(Open::close).unwrap_or_default()),
            b':' => {
                if let Some(open) = open.last_mut() {
                    open.at_value = true;
                }
            }
            b',' => {
                if let Some(open) = open.last_mut() {
                    open.at_value = open.shape != Shape::Object;
                }
            }
            b'"' => {
                let within = at..end_of_text(bytes, at);
                at = within.end + 1;
                let Some(open) = open.last_mut() else { continue };
                if open.at_value {
                    let kind = Kind::Text;
                    found.extend(open.take(Place { within, kind }, bytes));
                } else {
                    open.name = text(bytes, &within);
                }
            }
            b'-' | b'0'..=b'9' => {
                let digits = bytes.get(at..).unwrap_or_default();
                at += digits.iter().take_while(|byte| is_of_a_number(**byte)).count();
                let place = Place {
                    within: begun..at,
                    kind: Kind::Number,
                };
                found.extend(open.last_mut().and_then(|open| open.take(place, bytes)));
            }
            _ => {}
        }
    }
    // Of what was cut the rest is not known, and what is known counts.
    found.extend(open.into_iter().flat_map(Open::close));
    found
}

/// Where a text ends that begins here: at its quote, or with the document.
fn end_of_text(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        match bytes.get(at) {
            Some(b'"') => return at,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

fn is_of_a_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')
}

/// The text that stands there, with its escapes read.
fn text(bytes: &[u8], within: &Range<usize>) -> String {
    let raw = String::from_utf8_lossy(bytes.get(within.clone()).unwrap_or_default());
    if raw.contains('\\') {
        serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_default()
    } else {
        raw.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> String {
        String::from_utf8(hidden(Cow::Borrowed(text.as_bytes())).into_owned()).unwrap()
    }

    #[test]
    fn the_number_of_a_way_to_reach_somebody_is_hidden_wherever_its_type_stands() {
        let before = r#"{"user": {"name":"Jun", "contact_methods":[
            {"address":"5550101","country_code":1,"type":"phone_contact_method"},
            {"type":"sms_contact_method_reference", "address" : 5550102},
            {"type":"user_reference","address":"Main Street 5550103"}]}}"#;
        let after = before.replace("5550101", "*******").replace("5550102", "1111111");
        assert_eq!(of(before), after);
    }

    #[test]
    fn a_notification_that_was_sent_to_a_number_does_not_tell_it() {
        assert_eq!(
            of(r#"{"notification":{"type":"sms","address":"+1 555 0101"}}"#),
            r#"{"notification":{"type":"sms","address":"***********"}}"#
        );
    }

    #[test]
    fn a_member_that_is_named_as_a_number_is_hidden_and_the_document_still_reads() {
        let before = r#"{"phone":"+1 \"555\"","phone_number":-5550101,"phone":null,"phone":["5550102"],
            "phone":{"type":"text"},"phones":3}"#;
        let after = of(before);
        assert!(!after.contains("555"), "{after}");
        assert_eq!(after.len(), before.len());
        assert!(
            after.contains(r#""phone":null"#) && after.contains(r#"{"type":"text"},"phones":3"#),
            "{after}"
        );
        serde_json::from_str::<serde::de::IgnoredAny>(&after).unwrap();
    }

    #[test]
    fn nothing_else_is_touched_and_a_document_that_was_cut_hides_what_it_has() {
        let log = r#"{"line":"{\"phone\": 1}","values":[1,"phone"]} no phone"#;
        assert_eq!(of(log), log);
        assert_eq!(of(r#"{"phone":"5550101"#), r#"{"phone":"*******"#);
        assert_eq!(
            of(r#"{"type":"phone_contact_method","address":"5550101","#),
            r#"{"type":"phone_contact_method","address":"*******","#
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_it_and_as_many_come_out(bytes in "(\\PC|[\\[\\]{}:,\"\\\\1-]|\"phone\":){0,60}") {
            prop_assert_eq!(of(&bytes).len(), bytes.len());
        }
    }
}
