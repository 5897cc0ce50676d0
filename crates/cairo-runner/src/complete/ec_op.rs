//! The ec_op builtin.

use super::written::written;
use crate::error::RunError;
use cairo_air::Builtin;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use stark_curve::ec_op::{Operation, results};
use stark_curve::{GENERATOR, Point};

const CELLS: usize = Builtin::EcOp.cells_per_instance() as usize;

/// Instances of which the program wrote only a part: an unwritten point is the generator, an unwritten `y` the even one that belongs to `x`, an
/// unwritten scalar 0, and the result follows.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) -> Result<(), RunError> {
    let error = |instance, what| RunError::CurveInstance { builtin: Builtin::EcOp, instance, what };
    let mut operations = Vec::with_capacity(cells.len() / CELLS);
    for (instance, cells) in cells.chunks_exact(CELLS).enumerate() {
        let known: [bool; CELLS] = written(vm, segment, instance);
        let point = |at: usize| complete_point(&cells[at..at + 2], &known[at..at + 2]);
        let (p, q) = (point(0).map_err(|what| error(instance, what))?, point(2).map_err(|what| error(instance, what))?);
        operations.push(Operation { p, q, m: cells[4] });
    }
    for (instance, (cells, result)) in cells.chunks_exact_mut(CELLS).zip(results(&operations)).enumerate() {
        let result = result.ok_or_else(|| error(instance, "has no result that can be proven: P + m·Q is infinity"))?;
        let known: [bool; CELLS] = written(vm, segment, instance);
        let Operation { p, q, m } = operations[instance];
        let complete = [p.x, p.y, q.x, q.y, m, result.x, result.y];
        for ((cell, expected), known) in cells.iter_mut().zip(complete).zip(known) {
            if known && *cell != expected {
                return Err(error(instance, "has a result that does not follow from its inputs"));
            }
            *cell = expected;
        }
    }
    Ok(())
}

fn complete_point(cells: &[Felt], known: &[bool]) -> Result<Point, &'static str> {
    let ([x, y], [x_known, y_known]) = (cells, known) else { return Err("has no such point") };
    let point = match (x_known, y_known) {
        (true, true) => Some(Point { x: *x, y: *y }).filter(Point::is_on_curve),
        (true, false) => Point::with_x(*x),
        (false, false) => Some(GENERATOR),
        (false, true) => return Err("has a point of which the program wrote `y` and not `x`; write both"),
    };
    point.ok_or("has a point that is not on the Stark curve")
}
