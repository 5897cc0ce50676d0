//! From a choice of tables to the rows of each.

use super::Estimate;
use super::blocks::{Blocks, WordItem};
use super::budget::Budget;
use super::choose::{Choice, Item};
use super::cost::Costs;
use super::extensions::separate;
use super::grammar::{Grammar, Rule};
use super::step_table::{StepTable, fetches};
use crate::table_size::{cells, half_columns, heights, log_height, size};
use cairo_air::TableKind;
use cairo_air::components::derived::TableSize;
use cairo_air::components::{blake, qm31};
use cairo_execution::Execution;

/// A table to be, with the first steps of its rows.
struct Rows {
    kind: TableKind,
    size: TableSize,
    starts: Vec<u32>,
}

/// Distributes the run's steps.
pub fn emit(
    execution: &Execution,
    blocks: &Blocks,
    grammar: &Grammar,
    choice: &Choice,
    costs: &Costs,
) -> (Vec<StepTable>, Estimate) {
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
    // Instructions that are told apart by what they have at `[ap]` may be in one plain table.
    let mut of_word: Vec<(WordItem, usize)> = Vec::with_capacity(choice.words.len());
    for word in &choice.words {
        let same = tables.iter().position(|table| table.kind == word.kind);
        of_word.push((word.item, same.unwrap_or(tables.len())));
        if same.is_none() {
            tables.push(Rows { kind: word.kind.clone(), size: word.size, starts: Vec::new() });
        }
    }
    let generic = tables.len();
    tables.push(Rows { kind: TableKind::Generic, size: costs.generic, starts: Vec::new() });
    // The table of each token that no path covers.
    let table_of_word = |item| of_word.iter().find(|(chosen, _)| *chosen == item).map(|(_, table)| *table);
    let table = |token| WordItem::of(token, costs.own_words).and_then(table_of_word).unwrap_or(generic);
    let of_token: Vec<usize> = blocks.tokens.iter().map(table).collect();

    let end = execution.program.final_pc();
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
                        // No table executes what leads from one run to the next.
                        if blocks.token(*token).is_none_or(|token| token.pc != end) {
                            push(of_token.get(*token as usize).copied().unwrap_or(generic), clock);
                        }
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
    // Steps with an opcode extension are in no path and in no word table.
    if let Some(rows) = tables.get_mut(generic) {
        for (kind, starts) in separate(execution, &mut rows.starts) {
            let size = size(if kind == TableKind::Qm31 { qm31::air() } else { blake::air() });
            tables.push(Rows { kind, size, starts });
        }
    }
    tables.retain(|rows| !rows.starts.is_empty());
    finish(tables, choice, costs, execution.n_steps() as u64)
}

/// Cuts tables into parts where that saves most for its columns.
fn finish(tables: Vec<Rows>, choice: &Choice, costs: &Costs, steps: u64) -> (Vec<StepTable>, Estimate) {
    let fetches = tables.iter().any(|rows| fetches(&rows.kind));
    let instruction = choice.instructions.filter(|_| fetches);
    let (mut total, mut halves) = (0, 0);
    if let Some(rows) = instruction {
        total += cells(costs.instruction, log_height(rows));
        halves += half_columns(costs.instruction) + 2 * costs.byte;
    }
    // Each table's price, and in how many parts it comes.
    let mut budget = costs.budget();
    let whole = |rows: &Rows| (costs.spend_whole(rows.size, rows.starts.len() as u64, true, &mut budget), 1);
    let mut prices: Vec<((u64, usize), usize)> = tables.iter().map(whole).collect();
    halves += prices.iter().map(|((_, columns), _)| columns).sum::<usize>();
    let cut = |rows: &Rows, chunks: usize, mut budget: Budget| {
        let mut count = rows.starts.len() as u64;
        let parts = heights(count, chunks);
        let price = parts.iter().fold((0, 0), |(cells, columns), log_height| {
            let first = count.min(1 << log_height);
            count -= first;
            let (more, further) = costs.spend_whole(rows.size, first, true, &mut budget);
            (cells + more, columns + further)
        });
        (price, parts.len(), budget)
    };
    // A table of 2^k + 1 rows pays for 2^(k+1); in two parts it pays for little more than it has, but its columns are opened twice. Those that
    // save most choose first, since all share one allowance of columns.
    let saving = |(rows, (whole, _)): (&Rows, &((u64, usize), usize))| whole.0.saturating_sub(cut(rows, 2, budget).0.0);
    let mut order: Vec<(u64, usize)> = tables.iter().zip(&prices).map(saving).zip(0..).collect();
    order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let price = |halves: usize| costs.of_columns(halves.div_ceil(2), steps);
    let mut left = costs.tables.saturating_sub(tables.len());
    for (_, index) in order {
        let (Some(rows), Some(slot)) = (tables.get(index), prices.get_mut(index)) else { continue };
        for chunks in 2..=costs.chunks {
            let ((before, columns_before), parts_before) = *slot;
            let ((after, columns_after), parts, budget_after) = cut(rows, chunks, budget);
            let columns = (halves + columns_after).saturating_sub(columns_before);
            let saved = before.saturating_sub(after);
            let worth = match costs.excess_column {
                Some(_) => saved > price(columns).saturating_sub(price(halves)),
                None => {
                    saved > columns.saturating_sub(halves).div_ceil(2) as u64 * costs.cells_per_column
                        && columns.div_ceil(2) <= costs.columns
                }
            };
            let more = parts.saturating_sub(parts_before);
            if worth && more <= left {
                left -= more;
                halves = columns;
                (*slot, budget) = (((after, columns_after), parts), budget_after);
            }
        }
    }
    total += prices.iter().map(|((cells, _), _)| cells).sum::<u64>();
    let mut out = Vec::with_capacity(tables.len());
    for (rows, (_, parts)) in tables.into_iter().zip(prices) {
        let mut starts = rows.starts;
        for log_height in heights(starts.len() as u64, parts) {
            let rest = starts.split_off(starts.len().min(1 << log_height));
            out.push(StepTable { kind: rows.kind.clone(), log_height, starts });
            starts = rest;
        }
    }
    (out, Estimate { cells: total, columns: halves.div_ceil(2) })
}
