//! The walk over a compiled expression: every node costs, and nothing runs without having paid.

use std::sync::Arc;

use super::access::{self, Written};
use super::compare::{equal, order};
use super::error::ExprError;
use super::fuel::Fuel;
use super::functions;
use super::missing::Asker;
use super::node::{Kind, Node, Operator};
use super::number;
use super::path::Path;
use super::scope::Scope;
use super::value::{ENTRY_SIZE, MAP_SIZE, Map, VALUE_SIZE, Value, text_size};

/// What a node costs, in steps.
const NODE_STEPS: usize = 4;
/// What an error costs that is looked past, beside what led to it.
pub(super) const ERROR_STEPS: usize = 30;

/// One evaluation under way.
pub(super) struct Walk<'a> {
    pub(super) scope: &'a dyn Scope,
    pub(super) fuel: &'a mut Fuel,
    /// Variables of the loops around this place.
    pub(super) locals: Vec<Value>,
    /// What each path gave, kept while a loop may ask again.
    found: Vec<Option<Value>>,
    slot_count: usize,
    /// How many `has`, `.?` and `coalesce` are around this place: they ask whether, not why not.
    probes: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(scope: &'a dyn Scope, fuel: &'a mut Fuel, slot_count: usize) -> Self {
        Self { scope, fuel, locals: Vec::new(), found: Vec::new(), slot_count, probes: 0 }
    }

    /// The value of `node`.
    pub(super) fn value(&mut self, node: &Node) -> Result<Value, ExprError> {
        self.fuel.step(NODE_STEPS)?;
        self.unplaced(node).map_err(|error| error.placed(node.at))
    }

    fn unplaced(&mut self, node: &Node) -> Result<Value, ExprError> {
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Path(path) => self.path(path),
            Kind::Local { level, .. } => Ok(self.locals[*level].clone()),
            Kind::Field(holder, name) => {
                let value = self.value(holder)?;
                access::field(&value, name, &Written(holder), &mut self.asker())
            }
            Kind::Index(holder, index) => {
                let value = self.value(holder)?;
                let index = self.value(index)?;
                access::index(&value, &index, &Written(holder), &mut self.asker())
            }
            Kind::Optional(inner) => Ok(self.if_there(inner)?.unwrap_or(Value::Null)),
            Kind::Has(inner) => Ok(Value::Bool(self.if_there(inner)?.is_some())),
            Kind::List(nodes) => self.list(nodes),
            Kind::Map(entries) => self.map(entries),
            Kind::Not(inner) => {
                let flag = self.value(inner)?;
                Ok(Value::Bool(!truth(&flag, "`!`")?))
            }
            Kind::Negate(inner) => negate(&self.value(inner)?),
            Kind::Logic { stop, sides } => self.logic(*stop, sides).map(Value::Bool),
            Kind::Choose(parts) => self.choose(parts),
            Kind::Binary(operator, sides) => {
                let left = self.value(&sides[0])?;
                let right = self.value(&sides[1])?;
                self.binary(*operator, &left, &right)
            }
            Kind::Call(function, nodes) => {
                let args =
                    nodes.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
                functions::call(*function, &args, self.fuel)
            }
            Kind::Coalesce(nodes) => self.coalesce(nodes),
            Kind::Loop(repeat) => self.repeat(repeat),
            Kind::Now => {
                let text = self.scope.now_text();
                self.fuel.build(text_size(text.len()))?;
                Ok(Value::Text(text))
            }
        }
    }

    fn path(&mut self, path: &Path) -> Result<Value, ExprError> {
        if self.locals.is_empty() {
            return access::path(self.scope, path, &mut self.asker());
        }
        // Paths start at roots, which no loop changes: each is looked up once.
        self.found.resize(self.slot_count, None);
        if let Some(value) = &self.found[path.slot] {
            return Ok(value.clone());
        }
        let value = access::path(self.scope, path, &mut self.asker())?;
        self.found[path.slot] = Some(value.clone());
        Ok(value)
    }

    /// The value of `node`, or None where something on the way is not there.
    fn if_there(&mut self, node: &Node) -> Result<Option<Value>, ExprError> {
        self.probes += 1;
        let result = self.value(node);
        self.probes -= 1;
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn asker(&mut self) -> Asker<'_> {
        Asker { fuel: self.fuel, wants_reasons: self.probes == 0 }
    }

    fn list(&mut self, nodes: &[Node]) -> Result<Value, ExprError> {
        self.fuel.build(nodes.len() * VALUE_SIZE)?;
        nodes.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>().map(Value::list)
    }

    fn map(&mut self, entries: &[(Node, Node)]) -> Result<Value, ExprError> {
        self.fuel.build(entries.len() * ENTRY_SIZE + MAP_SIZE)?;
        let mut map = Map::default();
        for (key, value) in entries {
            let name = self.value(key)?;
            let Value::Text(name) = name else {
                let message = format!("a key is a text, here it is {}", name.kind());
                return Err(ExprError::failed(message).placed(key.at));
            };
            let value = self.value(value)?;
            if map.insert(Arc::clone(&name), value).is_some() {
                let message = format!("the key `{name}` is given twice");
                return Err(ExprError::failed(message).placed(key.at));
            }
        }
        Ok(Value::map(map))
    }

    /// `&&` or `||`: the side that decides wins even where the other cannot be evaluated.
    fn logic(&mut self, stop: bool, sides: &[Node; 2]) -> Result<bool, ExprError> {
        let operator = if stop { "`||`" } else { "`&&`" };
        let first = self.value(&sides[0]).and_then(|value| truth(&value, operator));
        match &first {
            Ok(flag) if *flag == stop => return Ok(stop),
            Err(error) if error.is_final() => return first,
            Ok(_) => {}
            Err(_) => self.fuel.step(ERROR_STEPS)?,
        }
        let second = self.value(&sides[1]).and_then(|value| truth(&value, operator));
        match second {
            Ok(flag) if flag == stop => Ok(stop),
            Err(error) if error.is_final() => Err(error),
            Ok(_) | Err(_) => first.and(second),
        }
    }

    fn choose(&mut self, parts: &[Node; 3]) -> Result<Value, ExprError> {
        let [test, then, other] = parts;
        let test = self.value(test)?;
        if truth(&test, "`? :`")? { self.value(then) } else { self.value(other) }
    }

    fn coalesce(&mut self, nodes: &[Node]) -> Result<Value, ExprError> {
        for node in nodes {
            match self.if_there(node)? {
                None | Some(Value::Null) => {}
                Some(value) => return Ok(value),
            }
        }
        Ok(Value::Null)
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Value,
        right: &Value,
    ) -> Result<Value, ExprError> {
        let flag = match operator {
            Operator::Equal => equal(left, right, self.fuel)?,
            Operator::NotEqual => !equal(left, right, self.fuel)?,
            Operator::Less => order(left, right, self.fuel)?.is_lt(),
            Operator::LessEqual => order(left, right, self.fuel)?.is_le(),
            Operator::Greater => order(left, right, self.fuel)?.is_gt(),
            Operator::GreaterEqual => order(left, right, self.fuel)?.is_ge(),
            Operator::In => contains(left, right, self.fuel)?,
            Operator::Add => return add(left, right, self.fuel),
            Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                return number::arithmetic(operator, left, right)
                    .unwrap_or_else(|| Err(unlike(operator, left, right)));
            }
        };
        Ok(Value::Bool(flag))
    }
}

/// The truth that `value` is; nothing else is taken for one.
pub(super) fn truth(value: &Value, user: &str) -> Result<bool, ExprError> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Null
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_) => {
            let kind = value.kind();
            Err(ExprError::failed(format!("{user} takes true or false, here it is {kind}")))
        }
    }
}

fn negate(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Int(int) => int.checked_neg().map(Value::Int).ok_or_else(number::overflow),
        Value::Float(float) => Ok(Value::Float(-float)),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            Err(ExprError::failed(format!("`-` takes a number, here it is {}", value.kind())))
        }
    }
}

fn add(left: &Value, right: &Value, fuel: &mut Fuel) -> Result<Value, ExprError> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            fuel.build(text_size(left.len() + right.len()))?;
            Ok(Value::text(&[left.as_ref(), right.as_ref()].concat()))
        }
        (Value::List(left), Value::List(right)) => {
            fuel.build((left.len() + right.len()) * VALUE_SIZE)?;
            Ok(Value::list(left.iter().chain(right.iter()).cloned().collect()))
        }
        _ => number::arithmetic(Operator::Add, left, right)
            .unwrap_or_else(|| Err(unlike(Operator::Add, left, right))),
    }
}

fn contains(wanted: &Value, holder: &Value, fuel: &mut Fuel) -> Result<bool, ExprError> {
    match (holder, wanted) {
        (Value::List(items), _) => {
            for item in items.iter() {
                if equal(wanted, item, fuel)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Map(map), Value::Text(name)) => Ok(map.contains_key(name)),
        (Value::Map(_), _) => Ok(false),
        (Value::Text(_), _) => {
            Err(ExprError::failed("`in` takes a list or a map; for a text write a.contains(b)"))
        }
        _ => Err(ExprError::failed(format!(
            "`in` takes a list or a map, here it is {}",
            holder.kind()
        ))),
    }
}

fn unlike(operator: Operator, left: &Value, right: &Value) -> ExprError {
    let (symbol, left, right) = (operator.symbol(), left.kind(), right.kind());
    let hint = match (operator, left, right) {
        (Operator::Add, "text", _) | (Operator::Add, _, "text") => {
            "; make it a text with string(x)"
        }
        (_, "null", _) | (_, _, "null") => "; give a default with coalesce(x, 0)",
        _ => "",
    };
    ExprError::failed(format!("`{symbol}` cannot take {left} and {right}{hint}"))
}
