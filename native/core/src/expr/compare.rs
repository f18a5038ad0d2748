//! Equality and order of values as the language sees them: `1 == 1.0`, and unlike kinds have no order.

use std::cmp::Ordering;

use super::error::ExprError;
use super::fuel::Fuel;
use super::value::Value;

/// Whether two values are equal; values of unlike kinds are not, but for whole numbers and floats.
pub(super) fn equal(left: &Value, right: &Value, fuel: &mut Fuel) -> Result<bool, ExprError> {
    fuel.step(1)?;
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            fuel.scan(left.len().min(right.len()))?;
            Ok(left == right)
        }
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !equal(left, right, fuel)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Map(left), Value::Map(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (key, left) in left.iter() {
                fuel.scan(key.len())?;
                let Some(right) = right.get(key) else { return Ok(false) };
                if !equal(left, right, fuel)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Int(left), Value::Float(right)) => Ok(int_to_float(*left, *right).is_eq()),
        (Value::Float(left), Value::Int(right)) => Ok(int_to_float(*right, *left).is_eq()),
        _ => Ok(left == right),
    }
}

/// The order of two numbers, two texts or two truths; None for any other pair.
pub(super) fn order(left: &Value, right: &Value, fuel: &mut Fuel) -> Result<Ordering, ExprError> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Ok(left.cmp(right)),
        (Value::Int(left), Value::Float(right)) => Ok(int_to_float(*left, *right)),
        (Value::Float(left), Value::Int(right)) => Ok(int_to_float(*right, *left).reverse()),
        (Value::Float(left), Value::Float(right)) => Ok(floats(*left, *right)),
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => {
            fuel.scan(left.len().min(right.len()))?;
            Ok(left.cmp(right))
        }
        _ => {
            let (left, right) = (left.kind(), right.kind());
            let hint =
                if left == "null" || right == "null" { "; test with `!= null` first" } else { "" };
            Err(ExprError::failed(format!("{left} and {right} have no order{hint}")))
        }
    }
}

/// Exact: a whole number that no float holds is not rounded first.
fn int_to_float(int: i64, float: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if float >= BEYOND {
        Ordering::Less
    } else if float < -BEYOND {
        Ordering::Greater
    } else {
        let whole = float.trunc();
        int.cmp(&(whole as i64)).then(floats(whole, float))
    }
}

/// Floats here are numbers: whatever makes one checks it.
fn floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordering(left: &Value, right: &Value) -> Ordering {
        order(left, right, &mut Fuel::default()).expect("an order")
    }

    #[test]
    fn whole_numbers_and_floats_are_compared_exactly() {
        let big = 9_007_199_254_740_993; // 2^53 + 1, which no float holds.

        assert_eq!(ordering(&Value::Int(1), &Value::Float(1.0)), Ordering::Equal);
        assert_eq!(ordering(&Value::Int(-1), &Value::Float(-1.5)), Ordering::Greater);
        assert_eq!(ordering(&Value::Int(1), &Value::Float(1.5)), Ordering::Less);
        assert_eq!(
            ordering(&Value::Int(big), &Value::Float(9_007_199_254_740_992.0)),
            Ordering::Greater
        );
        assert_eq!(ordering(&Value::Int(i64::MAX), &Value::Float(9.3e18)), Ordering::Less);
        assert_eq!(ordering(&Value::Float(-9.3e18), &Value::Int(i64::MIN)), Ordering::Less);
        assert_eq!(ordering(&Value::Float(2.0), &Value::Int(1)), Ordering::Greater);
    }

    #[test]
    fn unlike_kinds_have_no_order_and_both_are_named() {
        let error = order(&Value::text("a"), &Value::Int(1), &mut Fuel::default());

        assert_eq!(error.expect_err("refused").message, "text and int have no order");
    }
}
