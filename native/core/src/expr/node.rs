//! The tree that is walked: the parser's tree with every name settled.

use std::sync::Arc;

use super::functions::Function;
use super::path::Path;
use super::value::Value;

/// A part of an expression and the byte offset at which it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Literal(Value),
    Path(Path),
    /// The variable of the loop that many levels from the outside.
    Local {
        level: usize,
        name: Arc<str>,
    },
    Field(Box<Node>, Arc<str>),
    Index(Box<Node>, Box<Node>),
    /// `a.?b` and `a[?b]`: null where there is nothing.
    Optional(Box<Node>),
    Has(Box<Node>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Not(Box<Node>),
    Negate(Box<Node>),
    /// `&&` stops at false, `||` at true.
    Logic {
        stop: bool,
        sides: Box<[Node; 2]>,
    },
    Choose(Box<[Node; 3]>),
    Binary(Operator, Box<[Node; 2]>),
    Call(Function, Vec<Node>),
    Coalesce(Vec<Node>),
    Loop(Box<Loop>),
    Now,
}

/// The operators with two operands that are both evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

impl Operator {
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
        }
    }
}

/// `list.map(name, body)` and its kin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) over: Node,
    /// The condition of `map(name, condition, body)`.
    pub(super) only: Option<Node>,
    pub(super) body: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Node {
    /// Visit this node and all below it.
    pub(super) fn each(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        match &self.kind {
            Kind::Literal(_) | Kind::Path(_) | Kind::Local { .. } | Kind::Now => {}
            Kind::Field(inner, _)
            | Kind::Optional(inner)
            | Kind::Has(inner)
            | Kind::Not(inner)
            | Kind::Negate(inner) => inner.each(visit),
            Kind::Index(holder, index) => {
                holder.each(visit);
                index.each(visit);
            }
            Kind::List(nodes) | Kind::Call(_, nodes) | Kind::Coalesce(nodes) => {
                each_of(nodes, visit);
            }
            Kind::Map(entries) => entries.iter().for_each(|(key, value)| {
                key.each(visit);
                value.each(visit);
            }),
            Kind::Logic { sides, .. } | Kind::Binary(_, sides) => each_of(&sides[..], visit),
            Kind::Choose(parts) => each_of(&parts[..], visit),
            Kind::Loop(repeat) => {
                repeat.over.each(visit);
                repeat.only.iter().for_each(|node| node.each(visit));
                repeat.body.each(visit);
            }
        }
    }
}

fn each_of(nodes: &[Node], visit: &mut impl FnMut(&Node)) {
    for node in nodes {
        node.each(visit);
    }
}
