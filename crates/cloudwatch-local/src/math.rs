//! Metric math: numbers, ids of other queries, `+ - * /`, parentheses, and `FILL(series, number)`.
//!
//! A period has a result where all that it is made of have a value; division by zero has none. `FILL` gives each period of
//! the request's span a value, whether or not the series has any: the service says nothing of a series without data.

use std::collections::BTreeMap;

/// How deep an expression may be nested, and how far ids may lead to further expressions.
pub(crate) const MAX_DEPTH: usize = 32;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    /// The id of another query.
    Id(String),
    Negated(Box<Self>),
    Operation(Box<Self>, Operator, Box<Self>),
    Fill(Box<Self>, f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

/// A value for all periods, or one for each of some.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Scalar(f64),
    Series(BTreeMap<i64, f64>),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.trim_start(), depth: 0 };
        let expression = reader.sum()?;
        if reader.rest.is_empty() { Ok(expression) } else { Err(format!("unexpected `{}`", reader.rest)) }
    }

    /// The ids that it names.
    pub(crate) fn ids(&self) -> Vec<&str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Id(id) => vec![id],
            Self::Negated(inner) | Self::Fill(inner, _) => inner.ids(),
            Self::Operation(left, _, right) => [left.ids(), right.ids()].concat(),
        }
    }

    /// Its values, where `of` gives those of an id; `periods` are all that the request spans.
    pub(crate) fn values(&self, of: &dyn Fn(&str) -> Values, periods: &[i64]) -> Values {
        match self {
            Self::Number(number) => Values::Scalar(*number),
            Self::Id(id) => of(id),
            Self::Negated(inner) => {
                inner.values(of, periods).combined(Operator::Times, &Values::Scalar(-1.0))
            }
            Self::Operation(left, operator, right) => {
                left.values(of, periods).combined(*operator, &right.values(of, periods))
            }
            Self::Fill(inner, number) => match inner.values(of, periods) {
                Values::Scalar(value) => Values::Scalar(value),
                Values::Series(series) => {
                    let filled = periods.iter().map(|at| (*at, series.get(at).copied().unwrap_or(*number)));
                    Values::Series(filled.collect())
                }
            },
        }
    }
}

impl Values {
    /// A scalar as a series of these periods.
    pub(crate) fn over(self, periods: &[i64]) -> Self {
        match self {
            Self::Scalar(value) => Self::Series(periods.iter().map(|at| (*at, value)).collect()),
            series @ Self::Series(_) => series,
        }
    }

    /// The values by period, ascending.
    pub(crate) fn into_points(self) -> Vec<(i64, f64)> {
        match self {
            Self::Scalar(_) => Vec::new(),
            Self::Series(series) => series.into_iter().collect(),
        }
    }

    fn combined(&self, operator: Operator, other: &Self) -> Self {
        let series = |pairs: &mut dyn Iterator<Item = (i64, f64, f64)>| {
            Self::Series(pairs.filter_map(|(at, a, b)| Some((at, operator.of(a, b)?))).collect())
        };
        match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => {
                operator.of(*a, *b).map_or(Self::Series(BTreeMap::new()), Self::Scalar)
            }
            (Self::Series(a), Self::Scalar(b)) => series(&mut a.iter().map(|(at, a)| (*at, *a, *b))),
            (Self::Scalar(a), Self::Series(b)) => series(&mut b.iter().map(|(at, b)| (*at, *a, *b))),
            (Self::Series(a), Self::Series(b)) => {
                series(&mut a.iter().filter_map(|(at, a)| Some((*at, *a, *b.get(at)?))))
            }
        }
    }
}

impl Operator {
    fn of(self, a: f64, b: f64) -> Option<f64> {
        let value = match self {
            Self::Plus => a + b,
            Self::Minus => a - b,
            Self::Times => a * b,
            Self::Over => a / b,
        };
        value.is_finite().then_some(value)
    }
}

/// Reads from the left, by precedence.
struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        let mut left = self.product()?;
        while let Some(operator) = self.operator(&[("+", Operator::Plus), ("-", Operator::Minus)]) {
            left = Expression::Operation(Box::new(left), operator, Box::new(self.product()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.factor()?;
        while let Some(operator) = self.operator(&[("*", Operator::Times), ("/", Operator::Over)]) {
            left = Expression::Operation(Box::new(left), operator, Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Expression, String> {
        if self.takes("-") {
            // One sign at most: a row of them would be a way around the depth.
            return Ok(Expression::Negated(Box::new(self.primary()?)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expression, String> {
        if self.takes("(") {
            let inner = self.sum()?;
            return self.must(")").map(|()| inner);
        }
        let word = self.word();
        if word == "FILL" {
            self.must("(")?;
            let inner = self.sum()?;
            self.must(",")?;
            let sign = if self.takes("-") { -1.0 } else { 1.0 };
            let number = self.word();
            let number: f64 = number.parse().map_err(|_| format!("FILL takes a number, found `{number}`"))?;
            self.must(")")?;
            return Ok(Expression::Fill(Box::new(inner), sign * number));
        }
        match word.chars().next() {
            Some(first) if first.is_ascii_lowercase() => Ok(Expression::Id(word.to_owned())),
            Some(first) if first.is_ascii_digit() || first == '.' => {
                word.parse().map(Expression::Number).map_err(|_| format!("`{word}` is not a number"))
            }
            Some(_) => Err(format!("the function `{word}` is not known here")),
            None if self.rest.is_empty() => Err("it ends where a value is expected".to_owned()),
            None => Err(format!("unexpected `{}`", self.rest)),
        }
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        operators.iter().find(|(sign, _)| self.takes(sign)).map(|(_, operator)| *operator)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn must(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("`{sign}` is missing before `{}`", self.rest)) }
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        word
    }
}

#[cfg(test)]
mod tests;
