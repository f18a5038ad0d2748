//! Where the fields of a large object stand, so that asking for one does not read all of it again.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::error::ExprError;
use super::fuel::Fuel;
use super::pick;
use super::reader::{Reader, twice};

/// Below this a text is read faster than it is found again.
const TEXT_SIZE_MIN: usize = 4 * 1024;
/// Texts that are remembered at once.
const TEXT_COUNT_MAX: usize = 8;
/// Fields of one text that are remembered; one with more is read each time.
const FIELD_COUNT_MAX: usize = 10_000;

/// Remembers where the fields of the texts looked at last are.
///
/// It is derived and no part of any state. Each run has one and few ever need it: until then it is
/// one word.
#[derive(Debug, Default)]
pub struct FieldCache(OnceCell<Box<RefCell<Vec<Known>>>>);

/// A text, and its fields unless they are too many.
type Known = (Bytes, Option<Arc<Fields>>);

impl FieldCache {
    /// The text of the field `name` of the object `text`; None where it is not there or `text` is
    /// no object. Reading a text for the first time is paid for.
    pub(super) fn field(
        &self,
        text: &Bytes,
        name: &str,
        fuel: &mut Fuel,
    ) -> Result<Option<Bytes>, ExprError> {
        match self.fields(text, fuel)? {
            Some(fields) => fields.find(text, name),
            None => read_field(text, name, fuel),
        }
    }

    fn fields(&self, text: &Bytes, fuel: &mut Fuel) -> Result<Option<Arc<Fields>>, ExprError> {
        if text.len() < TEXT_SIZE_MIN {
            return Ok(None);
        }
        let mut known = self.0.get_or_init(Box::default).borrow_mut();
        // The text is kept with its fields, so that no other can take its place in memory.
        let same = |each: &Bytes| each.as_ptr() == text.as_ptr() && each.len() == text.len();
        if let Some(place) = known.iter().position(|(each, _)| same(each)) {
            let found = known.remove(place);
            let fields = found.1.clone();
            known.push(found);
            return Ok(fields);
        }
        fuel.look(text.len())?;
        let fields = Fields::read(text).ok().flatten().map(Arc::new);
        if known.len() == TEXT_COUNT_MAX {
            known.remove(0);
        }
        known.push((text.clone(), fields.clone()));
        Ok(fields)
    }
}

/// [`FieldCache::field`] without a memory.
pub(super) fn read_field(
    text: &Bytes,
    name: &str,
    fuel: &mut Fuel,
) -> Result<Option<Bytes>, ExprError> {
    fuel.look(text.len())?;
    Ok(pick::field(text, name)?.map(|found| text.slice_ref(found)))
}

/// The fields of one object.
#[derive(Debug, Default)]
struct Fields {
    places: BTreeMap<String, Range<usize>>,
    /// Names given twice, with the place of the second.
    twice: BTreeMap<String, usize>,
}

impl Fields {
    /// None where there are too many, or `text` is no object.
    fn read(text: &[u8]) -> Result<Option<Self>, ExprError> {
        let mut reader = Reader::new(text);
        reader.space();
        if !reader.take(b'{') {
            return Ok(None);
        }
        let mut fields = Self::default();
        if reader.take(b'}') {
            return Ok(Some(fields));
        }
        loop {
            let key = reader.quoted()?.unescape()?.into_owned();
            reader.need(b':', "`:`")?;
            let start = reader.at();
            reader.skip()?;
            match fields.places.entry(key) {
                Entry::Vacant(place) => drop(place.insert(start..reader.at())),
                Entry::Occupied(place) => drop(fields.twice.insert(place.key().clone(), start)),
            }
            if fields.places.len() > FIELD_COUNT_MAX {
                return Ok(None);
            }
            if !reader.take(b',') {
                break;
            }
        }
        reader.need(b'}', "`,` or `}`")?;
        Ok(Some(fields))
    }

    fn find(&self, text: &Bytes, name: &str) -> Result<Option<Bytes>, ExprError> {
        if let Some(at) = self.twice.get(name) {
            return Err(twice(name, *at));
        }
        Ok(self.places.get(name).map(|place| text.slice(place.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(fields: &str) -> Bytes {
        format!("{{{fields},\"filler\":\"{}\"}}", "x".repeat(TEXT_SIZE_MIN)).into()
    }

    #[test]
    fn what_is_remembered_is_what_reading_finds() {
        let text = large(r#""a": [1, {"b": 2}] , "\u0062":3,"c":{},"d":1,"d":2"#);
        let cache = FieldCache::default();

        for name in ["a", "b", "c", "d", "gone", "filler"] {
            let read = read_field(&text, name, &mut Fuel::default());
            for _ in 0..2 {
                assert_eq!(cache.field(&text, name, &mut Fuel::default()), read, "{name}");
            }
        }
    }

    #[test]
    fn a_text_is_paid_for_when_it_is_first_read() {
        let text = large(r#""a":1"#);
        let cache = FieldCache::default();
        let empty = || Fuel::new(0, 0).looking(0);

        cache.field(&text, "a", &mut empty()).expect_err("not read yet");
        cache.field(&text, "a", &mut Fuel::default()).expect("read");

        assert_eq!(cache.field(&text, "a", &mut empty()), Ok(Some(Bytes::from_static(b"1"))));
    }

    #[test]
    fn texts_that_are_no_small_objects_are_read_each_time() {
        let many: Vec<String> =
            (0..=FIELD_COUNT_MAX).map(|number| format!("\"k{number}\":{number}")).collect();
        let cache = FieldCache::default();

        let wide = large(&many.join(","));
        assert_eq!(
            cache.field(&wide, "k7", &mut Fuel::default()),
            Ok(Some(Bytes::from_static(b"7")))
        );
        let list: Bytes = format!("[{}1]", "1,".repeat(TEXT_SIZE_MIN)).into();
        assert_eq!(cache.field(&list, "a", &mut Fuel::default()), Ok(None));
    }

    #[test]
    fn the_oldest_text_is_forgotten() {
        let texts: Vec<Bytes> = (0..20).map(|number| large(&format!("\"a\":{number}"))).collect();
        let cache = FieldCache::default();

        for text in texts.iter().chain(&texts) {
            cache.field(text, "a", &mut Fuel::default()).expect("a field");
        }

        assert_eq!(cache.0.get().map(|known| known.borrow().len()), Some(TEXT_COUNT_MAX));
    }
}
