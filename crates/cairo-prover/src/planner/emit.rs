//! From a choice of tables to the rows of each.

use super::blocks::Blocks;
use super::choose::{Choice, Item};
use super::cost::{Costs, cells, half_columns, heights, log_height};
use super::grammar::{Grammar, Rule};
use super::{Estimate, Plan};
use crate::witness::StepTable;
use cairo_air::TableKind;
use cairo_air::components::derived::Size;
use cairo_execution::Execution;

/// A table to be, with the first steps of its rows.
struct Rows {
    kind: TableKind,
    size: Size,
    starts: Vec<u32>,
}

/// Distributes the run's steps.
pub fn emit(execution: &Execution, blocks: &Blocks, grammar: &Grammar, choice: &Choice, costs: &Costs) -> Plan {
    let mut tables: Vec<Rows> = Vec::new();
    let mut of_symbol: Vec<Option<usize>> = vec![None; grammar.symbols.len()];
    let mut unrolled: Vec<Vec<(u32, usize)>> = vec![Vec::new(); grammar.symbols.len()];
    for path in &choice.paths {
        match path.item {
            Item::Symbol(symbol) => {
                of_symbol.get_mut(symbol as usize).into_iter().for_each(|slot| *slot = Some(tables.len()))
            }
            Item::Unrolled(symbol, times) => {
                unrolled.get_mut(symbol as usize).into_iter().for_each(|list| list.push((times, tables.len())));
            }
        }
        tables.push(Rows { kind: TableKind::Path(path.path.clone()), size: path.size, starts: Vec::new() });
    }
    for list in &mut unrolled {
        list.sort_unstable_by(|a, b| b.cmp(a));
    }
    for word in &choice.words {
        tables.push(Rows { kind: TableKind::Word(word.word), size: word.size, starts: Vec::new() });
    }
    let generic = tables.len();
    tables.push(Rows { kind: TableKind::Generic, size: costs.generic, starts: Vec::new() });
    // The table of each token that no path covers.
    let table_of_word = |word| choice.words.iter().position(|chosen| Some(chosen.word) == word);
    let of_token: Vec<usize> = blocks
        .tokens
        .iter()
        .map(|token| table_of_word(token.word).map_or(generic, |at| choice.paths.len() + at))
        .collect();

    let mut clock: u32 = 0;
    // A symbol and how often it comes.
    let mut stack: Vec<(u32, u32)> = Vec::new();
    let mut push = |table: usize, clock: u32| {
        if let Some(rows) = tables.get_mut(table) {
            rows.starts.push(clock);
        }
    };
    for symbol in &grammar.sequence {
        stack.push((*symbol, 1));
        while let Some((symbol, times)) = stack.pop() {
            let Some(entry) = grammar.symbols.get(symbol as usize) else { continue };
            if times > 1 {
                stack.push((symbol, times - 1));
            }
            if let Some(table) = of_symbol.get(symbol as usize).copied().flatten() {
                push(table, clock);
                clock += entry.steps as u32;
                continue;
            }
            match entry.rule {
                Rule::Block(block) => {
                    for token in blocks.block(block) {
                        push(of_token.get(*token as usize).copied().unwrap_or(generic), clock);
                        clock += 1;
                    }
                }
                Rule::Pair(a, b) => stack.extend([(b, 1), (a, 1)]),
                Rule::Run(a, length) => {
                    let steps = grammar.symbols.get(a as usize).map_or(0, |symbol| symbol.steps) as u32;
                    let mut rest = length;
                    for (unroll, table) in unrolled.get(a as usize).map_or(&[][..], |list| list) {
                        for _ in 0..rest / unroll {
                            push(*table, clock);
                            clock += steps * unroll;
                        }
                        rest %= unroll;
                    }
                    if rest > 0 {
                        stack.push((a, rest));
                    }
                }
            }
        }
    }
    debug_assert_eq!(clock as usize, execution.n_steps());
    tables.retain(|rows| !rows.starts.is_empty());
    finish(tables, choice, costs)
}

/// Cuts tables in two where that saves most for its columns.
fn finish(tables: Vec<Rows>, choice: &Choice, costs: &Costs) -> Plan {
    let fetches = tables.iter().any(|rows| super::cost::fetches(&rows.kind));
    let instruction = choice.instructions.filter(|_| fetches);
    let (mut total, mut halves) = (0, 0);
    if let Some(rows) = instruction {
        total += cells(costs.instruction, log_height(rows));
        halves += half_columns(costs.instruction) + 2 * costs.byte;
    }
    // A table's price as a whole and cut in two.
    let whole = |rows: &Rows| costs.spend(rows.size, rows.starts.len() as u64, true);
    let cut = |rows: &Rows| {
        let mut count = rows.starts.len() as u64;
        heights(count, costs.chunks).iter().fold((0, 0), |(cells, columns), log_height| {
            let first = count.min(1 << log_height);
            count -= first;
            let (more, further) = costs.spend(rows.size, first, true);
            (cells + more, columns + further)
        })
    };
    halves += tables.iter().map(|rows| whole(rows).1).sum::<usize>();
    let saving = |rows: &Rows| whole(rows).0.saturating_sub(cut(rows).0);
    let mut order: Vec<(u64, usize)> = tables.iter().map(saving).zip(0..).collect();
    order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut is_cut = vec![false; tables.len()];
    for (saved, index) in order {
        let Some(rows) = tables.get(index) else { continue };
        let columns = cut(rows).1.saturating_sub(whole(rows).1);
        let worth = saved > columns.div_ceil(2) as u64 * costs.cells_per_column;
        if worth && (halves + columns).div_ceil(2) <= costs.columns {
            halves += columns;
            is_cut.get_mut(index).into_iter().for_each(|slot| *slot = true);
        }
    }
    let mut out = Vec::with_capacity(tables.len());
    for (rows, is_cut) in tables.into_iter().zip(is_cut) {
        total += if is_cut { cut(&rows).0 } else { whole(&rows).0 };
        let mut starts = rows.starts;
        for log_height in heights(starts.len() as u64, if is_cut { 2 } else { 1 }) {
            let rest = starts.split_off(starts.len().min(1 << log_height));
            out.push(StepTable { kind: rows.kind.clone(), log_height, starts });
            starts = rest;
        }
    }
    Plan { tables: out, estimate: Estimate { cells: total, columns: halves.div_ceil(2) } }
}
