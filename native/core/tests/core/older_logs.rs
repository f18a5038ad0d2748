//! What an older version wrote is read: fields that it did not know are empty.

use pyflow_core::codec::{Reader, Stored, write_array};
use pyflow_core::definition::Definition;
use pyflow_core::event::{Event, LeaseEnded, TaskLeased};
use pyflow_core::ids::{DefinitionHash, Epoch, Grant, InstanceIndex, RunNumber, SessionId};
use pyflow_core::time::Millis;

use crate::support::{Rig, document, task};

/// Writes one field.
type Written<'a> = &'a dyn Fn(&mut Vec<u8>);

/// An event with fewer fields than there are now.
fn older(tag: u8, fields: &[Written<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_array(&mut bytes, 3);
    tag.write(&mut bytes);
    1_u8.write(&mut bytes);
    write_array(&mut bytes, fields.len());
    for field in fields {
        field(&mut bytes);
    }
    bytes
}

#[test]
fn a_hand_out_without_a_key_of_its_rate_and_an_ended_lease_without_a_message_are_read() {
    let (run, instance, at) = (RunNumber(7), InstanceIndex(3), Millis(1_000));
    let number = |value: u64| move |out: &mut Vec<u8>| value.write(out);
    let truth = |value: bool| move |out: &mut Vec<u8>| value.write(out);
    let none = |out: &mut Vec<u8>| Option::<String>::None.write(out);

    let leased = older(
        30,
        &[
            &number(7),
            &number(3),
            &number(2),
            &number(5),
            &number(1),
            &number(4),
            &number(0),
            &number(1_000),
        ],
    );
    let ended =
        older(38, &[&number(7), &number(3), &number(1), &truth(true), &none, &number(1_000)]);

    let read = |bytes: &[u8]| Event::read(&mut Reader::new(bytes)).expect("an older event is read");
    let wanted = TaskLeased {
        run,
        instance,
        attempt: 2,
        grant: Grant(5),
        epoch: Epoch(1),
        session: SessionId(4),
        lease_ms: 0,
        at,
        rate_key: None,
    };
    assert_eq!(read(&leased), Event::TaskLeased(wanted));
    let wanted =
        LeaseEnded { run, instance, cause: 1, counted: true, details: None, at, message: None };
    assert_eq!(read(&ended), Event::LeaseEnded(wanted));
}

#[test]
fn a_definition_of_an_older_version_keeps_its_hash() {
    let (_, stored) = Rig::compile(&document(&[task("a", &[])]));
    let (&[0xdc, high, low], fields) = stored.split_first_chunk::<3>().expect("it is an array")
    else {
        panic!("it has more than fifteen fields");
    };
    let count = u16::from_be_bytes([high, low]) - 1;
    let (last, fields) = fields.split_last().expect("it has fields");
    assert_eq!(*last, 0xc0, "the newest field is not given here");
    let older = [&[0xdc], &count.to_be_bytes()[..], fields].concat();

    let read = Definition::from_stored(&older).expect("an older definition is read");

    assert_eq!(read.hash, DefinitionHash::of(&older));
    assert_eq!(read.task_count(), 1);
}
