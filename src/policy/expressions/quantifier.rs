//! The parser writes its macros out as folds; this recognises each by its shape, and takes no other.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

/// A macro as it was written.
#[derive(Debug)]
pub(super) enum Macro<'e> {
    All(&'e IdedExpr),
    Exists(&'e IdedExpr),
    ExistsOne(&'e IdedExpr),
    Collect { only: Option<&'e IdedExpr>, each: &'e IdedExpr },
}

/// Which macro a fold came from.
pub(super) fn recognise(fold: &ComprehensionExpr) -> Option<Macro<'_>> {
    if fold.iter_var2.is_some() {
        return None;
    }
    let accumulator = fold.accu_var.as_str();
    match &fold.accu_init.expr {
        Expr::Literal(LiteralValue::Boolean(first)) if *first.inner() => {
            let [before, test] = call(&fold.loop_step, operators::LOGICAL_AND)?;
            (is_ident(before, accumulator) && is_ident(&fold.result, accumulator))
                .then_some(Macro::All(test))
        }
        Expr::Literal(LiteralValue::Boolean(_)) => {
            let [before, test] = call(&fold.loop_step, operators::LOGICAL_OR)?;
            (is_ident(before, accumulator) && is_ident(&fold.result, accumulator))
                .then_some(Macro::Exists(test))
        }
        Expr::Literal(LiteralValue::Int(_)) => {
            let [test, _, otherwise] = call(&fold.loop_step, operators::CONDITIONAL)?;
            let [count, _] = call(&fold.result, operators::EQUALS)?;
            (is_ident(otherwise, accumulator) && is_ident(count, accumulator))
                .then_some(Macro::ExistsOne(test))
        }
        Expr::List(first) if first.elements.is_empty() && is_ident(&fold.result, accumulator) => {
            if let Some([only, step, otherwise]) = call(&fold.loop_step, operators::CONDITIONAL) {
                let each = collected(step, accumulator)?;
                return is_ident(otherwise, accumulator)
                    .then_some(Macro::Collect { only: Some(only), each });
            }
            Some(Macro::Collect { only: None, each: collected(&fold.loop_step, accumulator)? })
        }
        Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => None,
    }
}

/// `accumulator + [each]`.
fn collected<'e>(step: &'e IdedExpr, accumulator: &str) -> Option<&'e IdedExpr> {
    let [before, added] = call(step, operators::ADD)?;
    match (&added.expr, is_ident(before, accumulator)) {
        (Expr::List(list), true) => match list.elements.as_slice() {
            [each] => Some(each),
            _ => None,
        },
        _ => None,
    }
}

/// The arguments of a call of this operator.
fn call<'e, const COUNT: usize>(
    expression: &'e IdedExpr,
    name: &str,
) -> Option<&'e [IdedExpr; COUNT]> {
    let Expr::Call(CallExpr { func_name, target: None, args }) = &expression.expr else {
        return None;
    };
    if func_name == name { args.as_slice().try_into().ok() } else { None }
}

fn is_ident(expression: &IdedExpr, name: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(ident) if ident == name)
}
