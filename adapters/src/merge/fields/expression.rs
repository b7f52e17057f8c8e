//! What an expression says of each field: what it does with it, and whether it foresees that it is empty.

use super::filters;
use minijinja::{
    Environment, ErrorKind,
    machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind},
};
use navette_domain::dictionary::{FieldKind, IMAGES};

/// What is done with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) enum Role {
    /// Written in the document.
    Printed,
    /// Looked at for being there: by `{% if x %}`, or `x is defined`.
    Tested,
    /// Gone through by a loop.
    Looped,
    /// Compared with something of this kind, where that is plain.
    Compared(Option<FieldKind>),
    /// Given to this filter.
    Filtered(String),
    /// Anything else.
    Used,
}

/// The filter that makes an image of a name.
const IMAGE: &str = "image";

/// One use of a name in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Usage {
    /// `v.montant`
    pub(in crate::merge) name: String,
    pub(in crate::merge) role: Role,
    /// The filters it goes through, in order.
    pub(in crate::merge) filters: Vec<String>,
    /// `Some(true)` where what follows holds only if it has a value, `Some(false)` if it has none.
    pub(in crate::merge) tested: Option<bool>,
    /// Whether the expression gives something else when it is empty.
    pub(in crate::merge) foreseen: bool,
    /// Whether the expression goes on even if nobody knows the name.
    pub(in crate::merge) excused: bool,
}

/// What is read from one expression.
#[derive(Debug, Default)]
pub(in crate::merge) struct Reading {
    pub(in crate::merge) usages: Vec<Usage>,
    pub(in crate::merge) problems: Vec<String>,
}

pub(in crate::merge) fn read(
    environment: &Environment<'_>,
    expression: &Expr<'_>,
    role: &Role,
) -> Reading {
    let mut reader = Reader {
        environment,
        guards: Vec::new(),
        positive: true,
        reading: Reading::default(),
    };
    reader.walk(expression, role);
    reader.reading
}

/// The images that a value which must be one gives by the name that is written there: `"logo"`.
pub(super) fn images_by_name(expression: &Expr<'_>) -> Vec<Usage> {
    let both =
        |one: &Expr<'_>, other: &Expr<'_>| [images_by_name(one), images_by_name(other)].concat();
    match expression {
        Expr::IfExpr(choice) => match &choice.false_expr {
            Some(otherwise) => both(&choice.true_expr, otherwise),
            None => images_by_name(&choice.true_expr),
        },
        Expr::BinOp(operation) if matches!(operation.op, BinOpKind::ScOr) => {
            both(&operation.left, &operation.right)
        }
        Expr::Filter(filter) if filters::is_default(filter.name) || filter.name == IMAGE => {
            let given = filter.expr.iter().map(images_by_name);
            let default = filter.args.iter().map(|argument| match argument {
                CallArg::Pos(value) => images_by_name(value),
                _ => Vec::new(),
            });
            given.chain(default).flatten().collect()
        }
        _ => {
            let value = expression.as_const();
            let name = value.as_ref().and_then(|value| value.as_str());
            let image = name.map(|name| Usage {
                name: format!("{IMAGES}.{}", name.trim()),
                role: Role::Printed,
                filters: Vec::new(),
                tested: None,
                foreseen: false,
                // The filter looks for it among the images, not among the data.
                excused: true,
            });
            image.into_iter().collect()
        }
    }
}

/// `a.b["c"][0].d` is `a.b.c[].d`; nothing for what is no name.
pub(super) fn name_of(expression: &Expr<'_>) -> Option<String> {
    match expression {
        Expr::Var(name) => Some(name.id.to_owned()),
        Expr::GetAttr(of) => Some(format!("{}.{}", name_of(&of.expr)?, of.name)),
        Expr::GetItem(of) => {
            let whole = name_of(&of.expr)?;
            let item = of.subscript_expr.as_const()?;
            match item.as_str() {
                Some(key) => Some(format!("{whole}.{key}")),
                None if item.is_integer() => Some(format!("{whole}[]")),
                None => None,
            }
        }
        _ => None,
    }
}

struct Reader<'a, 'env> {
    environment: &'a Environment<'env>,
    /// Names that have a value here.
    guards: Vec<String>,
    /// Whether what is tested must hold.
    positive: bool,
    reading: Reading,
}

impl Reader<'_, '_> {
    fn walk(&mut self, expression: &Expr<'_>, role: &Role) {
        if let Some(name) = name_of(expression) {
            self.note(name, role.clone(), Vec::new());
            return;
        }
        match expression {
            Expr::Filter(_) => self.filters(expression, role),
            Expr::Test(test) => {
                self.known_test(test.name);
                let negative = matches!(test.name, "none" | "undefined");
                let presence = negative || test.name == "defined";
                let role = if presence { &Role::Tested } else { &Role::Used };
                self.positive ^= negative;
                let first = self.reading.usages.len();
                self.walk(&test.expr, role);
                self.positive ^= negative;
                if test.name.ends_with("defined") {
                    self.excuse(first);
                }
                self.arguments(&test.args);
            }
            Expr::UnaryOp(operation) => {
                let not = matches!(operation.op, UnaryOpKind::Not);
                self.positive ^= not;
                self.walk(&operation.expr, role);
                self.positive ^= not;
            }
            Expr::BinOp(operation) => {
                self.operation(operation.op, &operation.left, &operation.right, role);
            }
            Expr::Compare(comparison) => {
                for operand in &comparison.ops {
                    let membership = matches!(operand.op, CompareOpKind::In | CompareOpKind::NotIn);
                    self.compare(&comparison.expr, &operand.expr, membership);
                }
            }
            Expr::IfExpr(choice) => {
                let guards = self.guards.len();
                self.condition(&choice.test_expr);
                self.walk(&choice.true_expr, role);
                self.guards.truncate(guards);
                if let Some(otherwise) = &choice.false_expr {
                    self.walk(otherwise, role);
                }
            }
            Expr::Call(call) => {
                match &call.expr {
                    Expr::Var(function) => self.known_function(function.id),
                    Expr::GetAttr(method) => self.walk(&method.expr, &Role::Used),
                    other => self.walk(other, &Role::Used),
                }
                self.arguments(&call.args);
            }
            Expr::GetAttr(of) => self.walk(&of.expr, &Role::Used),
            Expr::GetItem(of) => {
                self.walk(&of.expr, &Role::Used);
                self.walk(&of.subscript_expr, &Role::Used);
            }
            Expr::Slice(slice) => self.walk(&slice.expr, &Role::Used),
            Expr::List(list) => self.all(&list.items),
            Expr::Tuple(tuple) => self.all(&tuple.items),
            Expr::Map(map) => self.all(&map.values),
            Expr::Var(_) | Expr::Const(_) => {}
        }
    }

    fn all(&mut self, expressions: &[Expr<'_>]) {
        for expression in expressions {
            self.walk(expression, &Role::Used);
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            let (CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value)) = argument;
            self.walk(value, &Role::Used);
        }
    }

    /// Names tested by a condition have a value in what it guards.
    fn condition(&mut self, condition: &Expr<'_>) {
        let first = self.reading.usages.len();
        self.walk(condition, &Role::Tested);
        let tested = self.reading.usages[first..]
            .iter()
            .filter(|usage| usage.tested == Some(true))
            .map(|usage| usage.name.clone());
        self.guards.extend(tested);
    }

    fn operation(&mut self, operator: BinOpKind, left: &Expr<'_>, right: &Expr<'_>, role: &Role) {
        let guards = self.guards.len();
        match operator {
            BinOpKind::ScAnd => {
                self.condition(left);
                self.walk(right, role);
            }
            BinOpKind::ScOr => {
                // `x or "—"` prints something when x is empty.
                let first = self.reading.usages.len();
                self.walk(left, role);
                for usage in &mut self.reading.usages[first..] {
                    usage.foreseen |= *role != Role::Tested;
                    // Either may be the one that holds.
                    usage.tested = usage.tested.filter(|_| *role != Role::Tested);
                }
                let second = self.reading.usages.len();
                self.walk(right, role);
                for usage in &mut self.reading.usages[second..] {
                    usage.tested = usage.tested.filter(|_| *role != Role::Tested);
                }
            }
            BinOpKind::Eq
            | BinOpKind::Ne
            | BinOpKind::Lt
            | BinOpKind::Lte
            | BinOpKind::Gt
            | BinOpKind::Gte => self.compare(left, right, false),
            BinOpKind::In => self.compare(left, right, true),
            _ => {
                self.walk(left, &Role::Used);
                self.walk(right, &Role::Used);
            }
        }
        self.guards.truncate(guards);
    }

    fn compare(&mut self, left: &Expr<'_>, right: &Expr<'_>, membership: bool) {
        self.walk(left, &Role::Compared(constant_kind(right)));
        let role = if membership {
            Role::Used
        } else {
            Role::Compared(constant_kind(left))
        };
        self.walk(right, &role);
    }

    fn filters(&mut self, expression: &Expr<'_>, role: &Role) {
        let mut chain = Vec::new();
        let mut inner = expression;
        while let Expr::Filter(filter) = inner {
            chain.push(filter);
            match &filter.expr {
                Some(of) => inner = of,
                None => break,
            }
        }
        chain.reverse();
        if chain.iter().any(|filter| filter.name == IMAGE) {
            self.reading.usages.extend(images_by_name(expression));
        }
        let mut foreseen = false;
        for filter in &chain {
            self.arguments(&filter.args);
            foreseen |= filters::is_default(filter.name);
            if let Some(problem) = filters::problem(self.environment, filter) {
                self.reading.problems.push(problem);
            }
        }
        let names: Vec<String> = chain
            .iter()
            .map(|filter| filter.name.to_owned())
            .filter(|name| !filters::is_hidden(name))
            .collect();
        let first = names.iter().find(|name| !filters::is_default(name));
        let role = first.map_or_else(|| role.clone(), |name| Role::Filtered(name.clone()));
        let from = self.reading.usages.len();
        match name_of(inner) {
            Some(name) => self.note(name, role, names),
            None => self.walk(inner, &role),
        }
        if foreseen {
            for usage in &mut self.reading.usages[from..] {
                usage.foreseen = true;
            }
            self.excuse(from);
        }
    }

    fn excuse(&mut self, from: usize) {
        for usage in &mut self.reading.usages[from..] {
            usage.excused = true;
        }
    }

    fn note(&mut self, name: String, role: Role, filters: Vec<String>) {
        let tested = (role == Role::Tested).then_some(self.positive);
        self.reading.usages.push(Usage {
            foreseen: self.guards.contains(&name),
            name,
            role,
            filters,
            tested,
            excused: false,
        });
    }

    fn known_test(&mut self, name: &str) {
        let unknown = self
            .environment
            .empty_state()
            .perform_test(name, &[])
            .is_err_and(|error| error.kind() == ErrorKind::UnknownTest);
        if unknown {
            self.reading.problems.push(format!(
                "test inconnu : « {name} » (les tests courants sont « defined » et « none »)"
            ));
        }
    }

    fn known_function(&mut self, name: &str) {
        if !self.environment.globals().any(|(known, _)| known == name) {
            self.reading.problems.push(format!(
                "fonction inconnue : « {name} » ; un filtre s'écrit après une barre : {{{{ champ|{name} }}}}"
            ));
        }
    }
}

fn constant_kind(expression: &Expr<'_>) -> Option<FieldKind> {
    let value = expression.as_const()?;
    if value.is_number() {
        Some(FieldKind::Amount)
    } else if value.as_str().is_some() {
        Some(FieldKind::Text)
    } else {
        None
    }
}
