//! Arithmetic on whole numbers and floats together; what cannot be kept exactly in range is refused.

use super::error::ExprError;
use super::node::Operator;
use super::value::Value;

/// `left operator right` of two numbers; None where one of them is no number.
pub(super) fn arithmetic(
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Option<Result<Value, ExprError>> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(ints(operator, *left, *right)),
        _ => Some(floats(operator, as_float(left)?, as_float(right)?)),
    }
}

/// The number as a float; None where it is no number.
pub(super) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// A float that JSON can hold.
pub(super) fn finite(float: f64) -> Result<Value, ExprError> {
    if float.is_finite() {
        Ok(Value::Float(float))
    } else {
        Err(ExprError::failed("the result is beyond the range of a float"))
    }
}

/// The whole number that `float`, which has no fraction, is.
pub(super) fn whole(float: f64) -> Result<Value, ExprError> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&float) { Ok(Value::Int(float as i64)) } else { Err(overflow()) }
}

pub(super) fn overflow() -> ExprError {
    let hint = "make one side a float with float(x)";
    ExprError::failed(format!("the result is beyond 64 signed bits; {hint}"))
}

fn ints(operator: Operator, left: i64, right: i64) -> Result<Value, ExprError> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => return divide(left, right),
        Operator::Remainder if right == 0 => return Err(by_zero()),
        // The smallest number by -1 leaves nothing, though the quotient has no place.
        Operator::Remainder => Some(left.wrapping_rem(right)),
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessEqual
        | Operator::Greater
        | Operator::GreaterEqual
        | Operator::In => unreachable!("only arithmetic comes here"),
    };
    result.map(Value::Int).ok_or_else(overflow)
}

/// Whole where it comes out even, else a float.
fn divide(left: i64, right: i64) -> Result<Value, ExprError> {
    if right == 0 {
        return Err(by_zero());
    }
    if left.wrapping_rem(right) != 0 {
        return finite(left as f64 / right as f64);
    }
    left.checked_div(right).map(Value::Int).ok_or_else(overflow)
}

fn floats(operator: Operator, left: f64, right: f64) -> Result<Value, ExprError> {
    finite(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => return Err(by_zero()),
        Operator::Divide => left / right,
        Operator::Remainder => {
            let hint = "use int(x) first";
            return Err(ExprError::failed(format!("`%` takes whole numbers; {hint}")));
        }
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessEqual
        | Operator::Greater
        | Operator::GreaterEqual
        | Operator::In => unreachable!("only arithmetic comes here"),
    })
}

fn by_zero() -> ExprError {
    ExprError::failed("division by zero")
}

/// A sum that keeps whole numbers whole and floats free of most rounding noise (Neumaier).
#[derive(Debug, Default)]
pub(super) struct Sum {
    ints: i64,
    floats: f64,
    lost: f64,
    has_float: bool,
}

impl Sum {
    /// False where `value` is no number.
    pub(super) fn add(&mut self, value: &Value) -> Result<bool, ExprError> {
        match value {
            Value::Int(int) => self.ints = self.ints.checked_add(*int).ok_or_else(overflow)?,
            Value::Float(float) => self.add_float(*float),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add_float(&mut self, float: f64) {
        let total = self.floats + float;
        self.lost += if self.floats.abs() >= float.abs() {
            (self.floats - total) + float
        } else {
            (float - total) + self.floats
        };
        self.floats = total;
        self.has_float = true;
    }

    /// The sum: whole where all of it was.
    pub(super) fn value(&self) -> Result<Value, ExprError> {
        if self.has_float { finite(self.float()) } else { Ok(Value::Int(self.ints)) }
    }

    /// The sum as a float.
    pub(super) fn float(&self) -> f64 {
        self.floats + self.lost + self.ints as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(operator: Operator, left: &Value, right: &Value) -> Result<Value, String> {
        arithmetic(operator, left, right).expect("numbers").map_err(|error| error.message)
    }

    #[test]
    fn division_is_whole_where_it_comes_out_even() {
        assert_eq!(of(Operator::Divide, &Value::Int(6), &Value::Int(3)), Ok(Value::Int(2)));
        assert_eq!(of(Operator::Divide, &Value::Int(7), &Value::Int(2)), Ok(Value::Float(3.5)));
        assert_eq!(of(Operator::Divide, &Value::Int(-7), &Value::Int(7)), Ok(Value::Int(-1)));
        assert_eq!(of(Operator::Divide, &Value::Float(6.0), &Value::Int(3)), Ok(Value::Float(2.0)));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let (least, most) = (Value::Int(i64::MIN), Value::Int(i64::MAX));

        assert!(of(Operator::Add, &most, &Value::Int(1)).is_err());
        assert!(of(Operator::Multiply, &most, &Value::Int(2)).is_err());
        assert!(of(Operator::Divide, &least, &Value::Int(-1)).is_err());
        assert_eq!(of(Operator::Remainder, &least, &Value::Int(-1)), Ok(Value::Int(0)));
        assert!(of(Operator::Multiply, &Value::Float(1e300), &Value::Float(1e300)).is_err());
        for zero in [Value::Int(0), Value::Float(0.0)] {
            assert!(of(Operator::Divide, &Value::Int(1), &zero).is_err());
        }
    }

    #[test]
    fn a_sum_of_decimals_has_no_noise() {
        let mut sum = Sum::default();
        for _ in 0..10 {
            sum.add(&Value::Float(0.1)).expect("in range");
        }

        assert_eq!(sum.value(), Ok(Value::Float(1.0)));
    }
}
