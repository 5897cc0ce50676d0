//! A batch of instances does not go on from one run's instances to the next run's in the same proof.

use crate::instances::{BASE, Case, Instances, number};
use cairo_air::components::range_check::Limbs;
use cairo_air::{Builtin, buses};
use felt::Felt;
use stark::PublicTuple;

/// What the verifier demands where the first run's part, one instance, ends.
fn border() -> PublicTuple {
    PublicTuple::require(buses::MEMORY, vec![Felt::from(BASE as u64 + 6), Felt::one()])
}

#[test]
fn batches_end_where_a_run_ends() {
    for builtin in [Builtin::AddMod, Builtin::MulMod] {
        let case: Case = [number(0), number(0), number(0), number(0)];
        let cases = [case.clone(), case];
        for is_batch in [false, true] {
            let mut system = Instances::new(builtin, &cases, is_batch).system(Limbs::Words16).unwrap();
            system.balance();
            // To the tables alone both are right: whose instances they are they do not know.
            assert!(system.report().is_clean(), "{builtin}, {is_batch}");
            system.public.push(border());
            system.balance();
            assert_eq!(system.report().is_clean(), !is_batch, "{builtin}");
        }
        // A last instance that counts itself alone and goes on all the same has a batch without an end.
        let mut system = Instances::new(builtin, &cases, true).system(Limbs::Words16).unwrap();
        system.public.push(border());
        for (row, n) in [(0, 1), (1, 0)] {
            let value = Felt::from(n);
            system.set_memory(BASE + 7 * row + 6, value);
            system.column(0, "n")[row] = value;
        }
        system.balance();
        assert!(!system.report().is_clean(), "{builtin}");
        let goes_on = system.column(0, "goes_on").clone();
        assert_eq!(goes_on[..2], [Felt::one(), Felt::zero()]);
        system.column(0, "goes_on")[1] = Felt::one();
        system.balance();
        assert!(!system.report().is_clean(), "{builtin}");
    }
}
