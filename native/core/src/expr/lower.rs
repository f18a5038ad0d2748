//! From the `cel` crate's tree to ours: every name, function and loop settled or refused.

use std::sync::Arc;

use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr, SourceInfo,
    operators,
};

use super::error::ExprError;
use super::functions::{self, Function};
use super::names;
use super::node::{Kind, Loop, LoopKind, Node, Operator};
use super::path::{Origin, Path, Step};
use super::scope::{NAMED, Root};
use super::value::Value;

/// Our tree of `tree`, and how many paths it has.
pub(super) fn lower(
    tree: &IdedExpr,
    places: &SourceInfo,
    dollars: &[usize],
) -> Result<(Node, usize), ExprError> {
    let mut lowering = Lowering { places, dollars, locals: Vec::new(), slot_count: 0 };
    let node = lowering.node(tree)?;
    Ok((node, lowering.slot_count))
}

struct Lowering<'a> {
    places: &'a SourceInfo,
    dollars: &'a [usize],
    /// Variables of the loops around this place, the outermost first.
    locals: Vec<&'a str>,
    slot_count: usize,
}

impl<'a> Lowering<'a> {
    fn at(&self, tree: &IdedExpr) -> usize {
        self.places.offset_for(tree.id).map_or(0, |(start, _)| start as usize)
    }

    fn node(&mut self, tree: &'a IdedExpr) -> Result<Node, ExprError> {
        let at = self.at(tree);
        let kind = match &tree.expr {
            Expr::Literal(literal) => literal_value(literal, at)?,
            Expr::Ident(name) => self.name(name, at)?,
            Expr::Select(select) => self.select(select, at)?,
            Expr::Call(call) => self.call(call, at)?,
            Expr::List(list) => self.list(list, at)?,
            Expr::Map(map) => self.map(map, at)?,
            Expr::Struct(_) => return Err(ExprError::invalid("messages are not known here", at)),
            Expr::Comprehension(_) | Expr::Unspecified => {
                return Err(ExprError::invalid("not an expression", at));
            }
        };
        Ok(Node { at, kind })
    }

    fn boxed(&mut self, tree: &'a IdedExpr) -> Result<Box<Node>, ExprError> {
        self.node(tree).map(Box::new)
    }

    fn nodes(&mut self, trees: &'a [IdedExpr]) -> Result<Vec<Node>, ExprError> {
        trees.iter().map(|tree| self.node(tree)).collect()
    }

    fn name(&mut self, name: &str, at: usize) -> Result<Kind, ExprError> {
        if self.is_dollar(name, at) {
            return Ok(self.path(Origin::Root(Root::Merged)));
        }
        if let Some(level) = self.locals.iter().rposition(|local| *local == name) {
            return Ok(Kind::Local { level, name: Arc::from(name) });
        }
        if let Some(root) = Root::from_name(name) {
            return Ok(self.path(Origin::Root(root)));
        }
        let message = match name {
            "output" => {
                "`output` is followed by a task: `output.task` or `output[\"task\"]`".into()
            }
            "secret" => secret_message(),
            "now" => "`now` is a function: write `now()`".into(),
            _ => {
                let known = NAMED.iter().map(|root| root.name());
                let known = known.chain(["output"]).chain(self.locals.iter().copied());
                format!("`{name}` is not a name in view{}", names::hint(name, known))
            }
        };
        Err(ExprError::invalid(message, at))
    }

    fn is_dollar(&self, name: &str, at: usize) -> bool {
        name == "_" && self.dollars.binary_search(&at).is_ok()
    }

    fn path(&mut self, origin: Origin) -> Kind {
        let slot = self.slot_count;
        self.slot_count += 1;
        Kind::Path(Path { origin, steps: Vec::new(), slot })
    }

    /// Whether `tree` is the bare name `output` (or `secret`), not a loop's variable of that name.
    fn is_bare(&self, tree: &IdedExpr, wanted: &str) -> bool {
        matches!(&tree.expr, Expr::Ident(name) if name == wanted && !self.locals.contains(&wanted))
    }

    fn select(&mut self, select: &'a SelectExpr, at: usize) -> Result<Kind, ExprError> {
        self.member(&select.operand, &select.field, at)
    }

    fn member(&mut self, operand: &'a IdedExpr, field: &str, at: usize) -> Result<Kind, ExprError> {
        if self.is_bare(operand, "output") {
            return Ok(self.path(Origin::Output(Arc::from(field))));
        }
        if self.is_bare(operand, "secret") {
            return Err(ExprError::invalid(secret_message(), at));
        }
        let mut holder = self.node(operand)?;
        let field = Arc::from(field);
        if let Kind::Path(path) = &mut holder.kind {
            path.steps.push(Step::Field(field));
            return Ok(holder.kind);
        }
        Ok(Kind::Field(Box::new(holder), field))
    }

    fn index(
        &mut self,
        operand: &'a IdedExpr,
        index: &'a IdedExpr,
        at: usize,
    ) -> Result<Kind, ExprError> {
        if let Expr::Literal(LiteralValue::String(text)) = &index.expr {
            return self.member(operand, text.inner(), at);
        }
        if self.is_bare(operand, "output") {
            let message =
                "the task in `output[...]` is a text in quotes, so that it is known early";
            return Err(ExprError::invalid(message, at));
        }
        let mut holder = self.node(operand)?;
        let index = self.node(index)?;
        if let (Kind::Path(path), Kind::Literal(Value::Int(number))) =
            (&mut holder.kind, &index.kind)
        {
            path.steps.push(Step::Index(*number));
            return Ok(holder.kind);
        }
        Ok(Kind::Index(Box::new(holder), Box::new(index)))
    }

    fn list(&mut self, list: &'a ListExpr, at: usize) -> Result<Kind, ExprError> {
        if !list.optional_indices.is_empty() {
            return Err(ExprError::invalid("`?` in a list is not known here", at));
        }
        self.nodes(&list.elements).map(Kind::List)
    }

    fn map(&mut self, map: &'a MapExpr, at: usize) -> Result<Kind, ExprError> {
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            match &entry.expr {
                EntryExpr::MapEntry(entry) if !entry.optional => {
                    entries.push((self.node(&entry.key)?, self.node(&entry.value)?));
                }
                EntryExpr::MapEntry(_) | EntryExpr::StructField(_) => {
                    return Err(ExprError::invalid("`?` in a map is not known here", at));
                }
            }
        }
        Ok(Kind::Map(entries))
    }

    fn call(&mut self, call: &'a CallExpr, at: usize) -> Result<Kind, ExprError> {
        match &call.target {
            Some(target) => self.method(target, call, at),
            None => self.operator_or_function(call, at),
        }
    }

    fn operator_or_function(&mut self, call: &'a CallExpr, at: usize) -> Result<Kind, ExprError> {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            (operators::CONDITIONAL, [test, then, other]) => {
                let parts = [self.node(test)?, self.node(then)?, self.node(other)?];
                Ok(Kind::Choose(Box::new(parts)))
            }
            (operators::LOGICAL_AND, [left, right]) => self.logic(false, left, right),
            (operators::LOGICAL_OR, [left, right]) => self.logic(true, left, right),
            (operators::LOGICAL_NOT, [inner]) => Ok(Kind::Not(self.boxed(inner)?)),
            (operators::NEGATE, [inner]) => Ok(Kind::Negate(self.boxed(inner)?)),
            (operators::INDEX, [holder, index]) => self.index(holder, index, at),
            (operators::OPT_INDEX | operators::OPT_SELECT, [holder, index]) => {
                let kind = self.index(holder, index, at)?;
                Ok(Kind::Optional(Box::new(Node { at, kind })))
            }
            ("has", [tested]) => self.has(tested, at),
            ("now", []) => Ok(Kind::Now),
            ("coalesce", nodes) if !nodes.is_empty() => self.nodes(nodes).map(Kind::Coalesce),
            (_, args) => match (binary(name), args) {
                (Some(operator), [left, right]) => {
                    let sides = [self.node(left)?, self.node(right)?];
                    Ok(Kind::Binary(operator, Box::new(sides)))
                }
                _ => self.function(name, args, at),
            },
        }
    }

    fn logic(
        &mut self,
        stop: bool,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
    ) -> Result<Kind, ExprError> {
        let sides = Box::new([self.node(left)?, self.node(right)?]);
        Ok(Kind::Logic { stop, sides })
    }

    fn has(&mut self, tested: &'a IdedExpr, at: usize) -> Result<Kind, ExprError> {
        let node = self.boxed(tested)?;
        if matches!(node.kind, Kind::Path(_) | Kind::Field(..) | Kind::Index(..)) {
            return Ok(Kind::Has(node));
        }
        Err(ExprError::invalid("has() tests a field: has(x.name)", at))
    }

    fn function(&mut self, name: &str, args: &'a [IdedExpr], at: usize) -> Result<Kind, ExprError> {
        // The parser gives the place of the bracket.
        let start = at.saturating_sub(name.len());
        let function = functions::find(name, false, args.len())
            .map_err(|message| ExprError::invalid(message, start))?;
        Ok(Kind::Call(function, self.nodes(args)?))
    }

    fn method(
        &mut self,
        target: &'a IdedExpr,
        call: &'a CallExpr,
        at: usize,
    ) -> Result<Kind, ExprError> {
        if let Some(kind) = loop_kind(&call.func_name) {
            return self.repeat(kind, target, &call.args, at);
        }
        if call.func_name == "orValue" && call.args.len() == 1 {
            return Ok(Kind::Coalesce(vec![self.node(target)?, self.node(&call.args[0])?]));
        }
        let function: Function = functions::find(&call.func_name, true, call.args.len() + 1)
            .map_err(|message| ExprError::invalid(message, at))?;
        let mut nodes = vec![self.node(target)?];
        nodes.extend(self.nodes(&call.args)?);
        Ok(Kind::Call(function, nodes))
    }

    fn variable(&self, tree: &'a IdedExpr) -> Result<&'a str, ExprError> {
        let at = self.at(tree);
        if let Expr::Ident(name) = &tree.expr
            && !self.is_dollar(name, at)
        {
            return Ok(name);
        }
        Err(ExprError::invalid("the first argument of a loop is a plain name", at))
    }

    fn repeat(
        &mut self,
        kind: LoopKind,
        over: &'a IdedExpr,
        args: &'a [IdedExpr],
        at: usize,
    ) -> Result<Kind, ExprError> {
        let (variable, only, body) = match (kind, args) {
            (_, [variable, body]) => (variable, None, body),
            (LoopKind::Map, [variable, only, body]) => (variable, Some(only), body),
            _ => {
                let message = "a loop takes a name and an expression: list.map(x, x + 1)";
                return Err(ExprError::invalid(message, at));
            }
        };
        let name = self.variable(variable)?;
        let over = self.node(over)?;
        self.locals.push(name);
        let only = only.map(|only| self.node(only)).transpose();
        let body = self.node(body);
        self.locals.pop();
        Ok(Kind::Loop(Box::new(Loop { kind, over, only: only?, body: body? })))
    }
}

fn literal_value(literal: &LiteralValue, at: usize) -> Result<Kind, ExprError> {
    let value = match literal {
        LiteralValue::Null => Value::Null,
        LiteralValue::Boolean(flag) => Value::Bool(*flag.inner()),
        LiteralValue::Int(int) => Value::Int(*int.inner()),
        LiteralValue::UInt(int) => Value::Int(
            i64::try_from(*int.inner())
                .map_err(|_| ExprError::invalid("the whole number is beyond 64 signed bits", at))?,
        ),
        LiteralValue::Double(float) => Value::Float(*float.inner()),
        LiteralValue::String(text) => Value::text(text.inner()),
        LiteralValue::Bytes(_) => {
            return Err(ExprError::invalid("bytes are not known here; use a text", at));
        }
    };
    Ok(Kind::Literal(value))
}

fn binary(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        operators::MODULO => Operator::Remainder,
        operators::EQUALS => Operator::Equal,
        operators::NOT_EQUALS => Operator::NotEqual,
        operators::LESS => Operator::Less,
        operators::LESS_EQUALS => Operator::LessEqual,
        operators::GREATER => Operator::Greater,
        operators::GREATER_EQUALS => Operator::GreaterEqual,
        operators::IN => Operator::In,
        _ => return None,
    })
}

fn loop_kind(name: &str) -> Option<LoopKind> {
    Some(match name {
        "all" => LoopKind::All,
        "exists" => LoopKind::Exists,
        "exists_one" | "existsOne" => LoopKind::ExistsOne,
        "map" => LoopKind::Map,
        "filter" => LoopKind::Filter,
        _ => return None,
    })
}

fn secret_message() -> String {
    "a secret stands alone as ${secret.NAME} in a parameter; the worker fills it in".to_owned()
}
