//! Queens row by row, each column compared with every queen above.

/// `n, depth, prefix`, the number of solutions below the prefix, and the number of boards without attacks that extend
/// it, the given one included.
pub fn output(arguments: &[u64]) -> Vec<u128> {
    let &[n, depth, prefix] = arguments else { return Vec::new() };
    let mut rest = prefix;
    let mut queens = Vec::new();
    for _ in 0..depth {
        queens.push(rest % n);
        rest /= n;
    }
    let attacked = (0..queens.len()).any(|row| !free(&queens[..row], queens[row]));
    let (solutions, boards) = if attacked { (0, 0) } else { search(n, &mut queens) };
    vec![n.into(), depth.into(), prefix.into(), solutions, boards]
}

fn search(n: u64, queens: &mut Vec<u64>) -> (u128, u128) {
    if queens.len() as u64 == n {
        return (1, 1);
    }
    let mut sum = (0, 1);
    for column in 0..n {
        if free(queens, column) {
            queens.push(column);
            let (solutions, boards) = search(n, queens);
            queens.pop();
            sum = (sum.0 + solutions, sum.1 + boards);
        }
    }
    sum
}

/// Whether a queen in this column of the next row is attacked by none of those above.
fn free(above: &[u64], column: u64) -> bool {
    above.iter().rev().zip(1..).all(|(&queen, distance)| queen != column && queen.abs_diff(column) != distance)
}
