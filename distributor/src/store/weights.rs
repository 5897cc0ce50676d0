//! In which order a donor that serves all projects looks at them.

use sha2::{Digest as _, Sha256};

/// Items in a random order in which each comes first with a probability proportional to its weight (Efraimidis and
/// Spirakis, 2006: order by `ln(u)/w`, largest first). The draw alone decides.
pub(crate) fn weighted_order<T>(items: Vec<(T, u32)>, draw: u64) -> Vec<T> {
    let mut keyed: Vec<(f64, T)> = items
        .into_iter()
        .enumerate()
        .map(|(index, (item, weight))| (uniform(draw, index as u64).ln() / f64::from(weight.max(1)), item))
        .collect();
    keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// A number in (0, 1) for each index.
fn uniform(draw: u64, index: u64) -> f64 {
    let digest = Sha256::new().chain_update(draw.to_le_bytes()).chain_update(index.to_le_bytes()).finalize();
    let bits = digest.iter().take(6).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    (bits as f64 + 0.5) / (1_u64 << 48) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_first_as_often_as_its_weight_says() {
        let mut first = [0_u32; 3];
        for draw in 0..6000 {
            let order = weighted_order(vec![(0, 1), (1, 2), (2, 3)], draw);
            assert_eq!(order.len(), 3);
            first[order[0]] += 1;
        }
        for (count, expected) in first.into_iter().zip([1000_u32, 2000, 3000]) {
            assert!(count.abs_diff(expected) < 150, "{first:?}");
        }
    }

    #[test]
    fn the_draw_alone_decides() {
        let items = || (0..20).map(|item| (item, 1)).collect();
        assert_eq!(weighted_order(items(), 7), weighted_order(items(), 7));
        assert_ne!(weighted_order(items(), 7), weighted_order(items(), 8));
    }
}
