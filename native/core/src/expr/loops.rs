//! Loops over lists and over the keys of maps: `all`, `exists`, `exists_one`, `map`, `filter`.

use std::sync::Arc;

use super::error::ExprError;
use super::node::{Loop, LoopKind, Node};
use super::value::{VALUE_SIZE, Value};
use super::walk::{ERROR_STEPS, Walk, truth};

impl Walk<'_> {
    /// The value of a loop.
    pub(super) fn repeat(&mut self, repeat: &Loop) -> Result<Value, ExprError> {
        let items = self.items(&repeat.over)?;
        // A place for the variable, so that a body always finds it at its level.
        self.locals.push(Value::Null);
        let result = match repeat.kind {
            LoopKind::All => self.decided(false, &items, &repeat.body),
            LoopKind::Exists => self.decided(true, &items, &repeat.body),
            LoopKind::ExistsOne => self.exactly_one(&items, &repeat.body),
            LoopKind::Map => self.mapped(&items, repeat),
            LoopKind::Filter => self.filtered(&items, &repeat.body),
        };
        self.locals.pop();
        result
    }

    fn items(&mut self, over: &Node) -> Result<Arc<Vec<Value>>, ExprError> {
        let value = self.value(over)?;
        match value {
            Value::List(items) => Ok(items),
            Value::Map(map) => {
                self.fuel.build(map.len() * VALUE_SIZE)?;
                Ok(Arc::new(map.keys().map(|key| Value::Text(Arc::clone(key))).collect()))
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                let kind = value.kind();
                Err(ExprError::failed(format!("a loop takes a list or a map, here it is {kind}")))
            }
        }
    }

    fn body(&mut self, item: &Value, body: &Node) -> Result<Value, ExprError> {
        let variable = self.locals.last_mut().expect("`repeat` made the place");
        *variable = item.clone();
        self.value(body)
    }

    fn test(&mut self, item: &Value, body: &Node) -> Result<bool, ExprError> {
        let flag = self.body(item, body)?;
        truth(&flag, "the test of a loop").map_err(|error| error.placed(body.at))
    }

    /// `exists` stops at true, `all` at false; as with `||`, that wins over items that fail.
    fn decided(&mut self, stop: bool, items: &[Value], body: &Node) -> Result<Value, ExprError> {
        let mut failure = None;
        for item in items {
            match self.test(item, body) {
                Ok(flag) if flag == stop => return Ok(Value::Bool(stop)),
                Ok(_) => {}
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    self.fuel.step(ERROR_STEPS)?;
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(Value::Bool(!stop)), Err)
    }

    fn exactly_one(&mut self, items: &[Value], body: &Node) -> Result<Value, ExprError> {
        let mut count = 0_usize;
        for item in items {
            count += usize::from(self.test(item, body)?);
        }
        Ok(Value::Bool(count == 1))
    }

    fn mapped(&mut self, items: &[Value], repeat: &Loop) -> Result<Value, ExprError> {
        let mut out = Vec::new();
        for item in items {
            if let Some(only) = &repeat.only
                && !self.test(item, only)?
            {
                continue;
            }
            self.fuel.build(VALUE_SIZE)?;
            out.push(self.body(item, &repeat.body)?);
        }
        Ok(Value::list(out))
    }

    fn filtered(&mut self, items: &[Value], body: &Node) -> Result<Value, ExprError> {
        let mut out = Vec::new();
        for item in items {
            if self.test(item, body)? {
                self.fuel.build(VALUE_SIZE)?;
                out.push(item.clone());
            }
        }
        Ok(Value::list(out))
    }
}
