//! The meter, which keeps a run within its allowance. CEL's interpreter counts nothing, so the expression is made to
//! count.
//!
//! Two calls are put into it. `@tick` stands before each step of a loop and takes the price of the step: as many units
//! as its body has parts. `@weigh` stands around each value that an operation goes through whole, copies or compares,
//! and takes the price of that: a unit for each value inside and for each [`CHUNK`] of text. All else that is done to
//! run an expression costs the same whatever the event is, and an expression has a few thousand parts at most. When the
//! allowance is used up both calls fail, the loops end, and so does the run.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelBool, CelBytes, CelInt, CelList, CelMap, CelMapKey, CelString, DYN_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};

use super::effort::Effort;
use super::pattern::{self, Pattern};

/// Units that a run may use where nobody waits for it. One is a step of the interpreter and takes 50 to 200 ns: all of
/// them are 5 ms at most.
const ALLOWANCE: u64 = 25_000;

/// Units that a run may use where all wait for it: half a millisecond at most.
const HURRIED: u64 = 2_500;

/// Units that a loop costs for each element besides its body: a name is bound, a value put away.
const STEP: u64 = 4;

/// Bytes of text that are copied or searched for one unit.
const CHUNK: usize = 64;

/// Name under which an expression finds the meter: one that nobody can write.
pub(super) const NAME: &str = "@meter";

const TICK: &str = "@tick";
const WEIGH: &str = "@weigh";
const MATCHES: &str = "@matches";

/// The units that are left, and the patterns of the expression. Clones are the same meter.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    left: Arc<AtomicU64>,
    patterns: Arc<[Pattern]>,
}

impl Meter {
    pub(super) fn new(patterns: Arc<[Pattern]>, pace: Effort) -> Self {
        let allowance = match pace {
            Effort::Calm => ALLOWANCE,
            Effort::Hurried => HURRIED,
        };
        Self { left: Arc::new(AtomicU64::new(allowance)), patterns }
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.left() == 0
    }

    fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn take(&self, units: u64) -> Result<(), ExecutionError> {
        let left = self.left().saturating_sub(units);
        self.left.store(left, Ordering::Relaxed);
        if left == 0 { Err(ExecutionError::function_error(NAME, "used up")) } else { Ok(()) }
    }
}

static METER_TYPE: Type = Type::new_unspecified_type("@meter");

impl Val for Meter {
    fn get_type(&self) -> &Type {
        &METER_TYPE
    }

    fn cel_type() -> &'static Type {
        &METER_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Meter {}

pub(super) fn declare(language: &mut Env) {
    for (name, arguments, function) in
        [(TICK, 2, tick as cel::common::functions::Function), (WEIGH, 2, weigh), (MATCHES, 3, matches)]
    {
        language
            .add_overload(name, name, (0..arguments).map(|_| DYN_TYPE).collect(), function)
            .expect("CEL has no such names");
    }
}

/// `@tick(@meter, price)`: true, once that is taken.
#[expect(clippy::needless_pass_by_value, reason = "the form of CEL's functions")]
fn tick<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let price = number(&arguments[1])?;
    meter(&arguments)?.take(price)?;
    Ok(CowVal::owned(CelBool::from(true)))
}

/// `@weigh(@meter, value)`: the value, once it is paid for.
fn weigh<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = arguments.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let meter = meter(&arguments)?;
    let mut room = meter.left();
    count(value.as_ref(), &mut room);
    meter.take(meter.left() - room)?;
    Ok(value)
}

/// `@matches(@meter, text, n)`: true if the expression's pattern number n is found in the text.
#[expect(clippy::needless_pass_by_value, reason = "the form of CEL's functions")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let meter = meter(&arguments)?;
    let number = usize::try_from(number(&arguments[2])?).unwrap_or(usize::MAX);
    let pattern = meter.patterns.get(number).ok_or_else(|| ExecutionError::function_error("matches", "no pattern"))?;
    let text = arguments[1].downcast_ref::<CelString<'_>>().ok_or_else(|| {
        ExecutionError::no_such_member_overload("matches", vec![arguments[1].get_type().name().to_owned()])
    })?;
    meter.take(1 + (text.inner().len() as u64).saturating_mul(pattern.weight))?;
    Ok(CowVal::owned(CelBool::from(pattern.regex.is_match(text.inner()))))
}

fn meter<'a>(arguments: &'a [CowVal<'_, '_>]) -> Result<&'a Meter, ExecutionError> {
    let first = arguments.first().and_then(|argument| argument.downcast_ref::<Meter>());
    first.ok_or_else(ExecutionError::missing_argument_or_target)
}

fn number(argument: &CowVal<'_, '_>) -> Result<u64, ExecutionError> {
    let number = argument.downcast_ref::<CelInt>().and_then(|number| u64::try_from(*number.inner()).ok());
    number.ok_or_else(ExecutionError::missing_argument_or_target)
}

/// Takes the price of going through `value` out of `room`, and goes no further when there is none left.
fn count(value: &dyn Val, room: &mut u64) {
    *room = room.saturating_sub(1);
    if *room == 0 {
        return;
    }
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        *room = room.saturating_sub(chunks(text.inner().len()));
    } else if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        *room = room.saturating_sub(chunks(bytes.inner().len()));
    } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        list.inner().iter().take_while(|element| charge(element.as_ref(), room)).for_each(drop);
    } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        for (key, value) in map.inner() {
            if let CelMapKey::String(key) = key {
                *room = room.saturating_sub(chunks(key.inner().len()));
            }
            if !charge(value.as_ref(), room) {
                return;
            }
        }
    }
}

/// True if there is room left after `value`.
fn charge(value: &dyn Val, room: &mut u64) -> bool {
    count(value, room);
    *room > 0
}

fn chunks(bytes: usize) -> u64 {
    (bytes / CHUNK) as u64
}

/// Puts the meter into an expression that is judged.
pub(super) fn put_into(expression: &mut IdedExpr, patterns: &[Pattern]) {
    Metering { patterns }.put_into(expression);
}

struct Metering<'a> {
    patterns: &'a [Pattern],
}

impl Metering<'_> {
    /// Returns the number of parts.
    fn put_into(&self, expression: &mut IdedExpr) -> u64 {
        let parts = match &mut expression.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) => 0,
            Expr::Select(select) => self.put_into(&mut select.operand),
            Expr::Call(call) => self.put_into_call(call),
            Expr::List(list) => list.elements.iter_mut().map(|element| self.put_around(element)).sum(),
            Expr::Map(map) => {
                let entries = map.entries.iter_mut().filter_map(|entry| match &mut entry.expr {
                    EntryExpr::MapEntry(entry) => Some(entry),
                    EntryExpr::StructField(_) => None,
                });
                entries.map(|entry| self.put_around(&mut entry.key) + self.put_around(&mut entry.value)).sum()
            }
            Expr::Comprehension(repeated) => {
                // Each element is copied to be given its name.
                let range = self.put_around(&mut repeated.iter_range);
                let body = self.put_into(&mut repeated.loop_step) + STEP;
                match repeated.loop_cond.expr {
                    // The interpreter knows loops that make lists by their shape, and spares copies there.
                    Expr::Literal(_) => tick_step(&mut repeated.loop_step, &repeated.accu_var, body),
                    _ => tick_condition(&mut repeated.loop_cond, body),
                }
                range + body
            }
        };
        parts + 1
    }

    fn put_into_call(&self, call: &mut CallExpr) -> u64 {
        match call.func_name.as_str() {
            operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::CONDITIONAL
            | operators::NOT_STRICTLY_FALSE => call.args.iter_mut().map(|part| self.put_into(part)).sum(),
            // An indexed value is not copied, unless it is to say that the key is none.
            operators::INDEX if is_plain_key(&call.args[1]) => self.put_into(&mut call.args[0]),
            "matches" => {
                let pattern = call.args.pop().unwrap_or_default();
                let text = call.target.take().or_else(|| call.args.pop().map(Box::new)).unwrap_or_default();
                let number = LiteralValue::Int(CelInt::from(self.number(&pattern)));
                *call = CallExpr {
                    func_name: MATCHES.to_owned(),
                    target: None,
                    args: vec![part(Expr::Ident(NAME.to_owned())), *text, part(Expr::Literal(number))],
                };
                self.put_into(&mut call.args[1])
            }
            _ => {
                let target = call.target.as_deref_mut().map_or(0, |target| self.put_around(target));
                target + call.args.iter_mut().map(|argument| self.put_around(argument)).sum::<u64>()
            }
        }
    }

    /// Index of the pattern, or one that no pattern has: the judge does not let such a pattern through.
    fn number(&self, pattern: &IdedExpr) -> i64 {
        let text = pattern::text_of(pattern).unwrap_or_default();
        let place = self.patterns.iter().position(|known| known.regex.as_str() == text);
        place.and_then(|place| i64::try_from(place).ok()).unwrap_or(i64::MAX)
    }

    /// Puts the meter into a value and, unless its parts are all paid for, around it.
    fn put_around(&self, value: &mut IdedExpr) -> u64 {
        let parts = self.put_into(value);
        let is_paid = match &value.expr {
            Expr::Literal(_) | Expr::List(_) | Expr::Map(_) => true,
            Expr::Ident(name) => name.starts_with('@'),
            _ => false,
        };
        if is_paid {
            return parts;
        }
        let weighed = std::mem::take(value);
        *value = calling(WEIGH, vec![part(Expr::Ident(NAME.to_owned())), weighed]);
        parts + 2
    }
}

fn is_plain_key(key: &IdedExpr) -> bool {
    matches!(key.expr, Expr::Literal(LiteralValue::Int(_) | LiteralValue::String(_)))
}

/// `condition` becomes `@tick(…) ? condition : false`.
fn tick_condition(condition: &mut IdedExpr, price: u64) {
    let before = std::mem::take(condition);
    *condition = calling(operators::CONDITIONAL, vec![ticking(price), before, no()]);
}

/// `@result + [x]` becomes `@tick(…) ? @result + [x] : @result`; where there is a condition already, it is that one
/// that is ticked.
fn tick_step(step: &mut IdedExpr, accumulator: &str, price: u64) {
    if let Expr::Call(call) = &mut step.expr
        && call.func_name == operators::CONDITIONAL
    {
        return tick_condition(&mut call.args[0], price);
    }
    let before = std::mem::take(step);
    let unchanged = part(Expr::Ident(accumulator.to_owned()));
    *step = calling(operators::CONDITIONAL, vec![ticking(price), before, unchanged]);
}

fn ticking(price: u64) -> IdedExpr {
    let price = LiteralValue::Int(CelInt::from(i64::try_from(price).unwrap_or(i64::MAX)));
    calling(TICK, vec![part(Expr::Ident(NAME.to_owned())), part(Expr::Literal(price))])
}

fn no() -> IdedExpr {
    part(Expr::Literal(LiteralValue::Boolean(CelBool::from(false))))
}

fn calling(function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    part(Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }))
}

/// An expression without an id: errors never point at what nobody wrote.
fn part(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}
