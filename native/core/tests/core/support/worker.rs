//! Attempts in workers' hands.

use pyflow_core::effect::Granted;

/// An attempt that was handed out, as its worker knows it.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) session: pyflow_core::ids::SessionId,
    pub(crate) handle: u64,
    pub(crate) run_id: String,
    /// The instance's public name.
    pub(crate) name: String,
    pub(crate) attempt: u32,
    pub(crate) token: u64,
    pub(crate) args: Vec<String>,
    pub(crate) details: Option<String>,
}

impl Given {
    pub(crate) fn of(granted: &Granted) -> Self {
        let id = granted.definition.id(granted.task);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            session: granted.session,
            handle: granted.handle,
            run_id: granted.run_id.to_string(),
            name: granted.item.map_or(id.to_string(), |index| format!("{id}[{index}]")),
            attempt: granted.attempt,
            token: granted.token,
            args: granted.args.values.iter().map(|given| text(&given.text())).collect(),
            details: granted.details.as_ref().map(|bytes| text(bytes)),
        }
    }
}
