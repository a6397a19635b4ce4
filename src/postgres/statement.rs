//! What tells one statement's view of the catalog from another's.

use pgrx::pg_sys;
use tablenet_core::Result;

// These read a variable of the backend and cannot raise an error, so they need no guard; they run for every row.
unsafe extern "C" {
    safe fn GetUserId() -> pg_sys::Oid;
    safe fn ActiveSnapshotSet() -> bool;
    fn GetActiveSnapshot() -> pg_sys::Snapshot;
    safe fn GetCurrentSubTransactionId() -> pg_sys::SubTransactionId;
    safe fn GetCurrentTransactionStartTimestamp() -> pg_sys::TimestampTz;
}

/// The user and the snapshot of a statement. Two equal values in one backend see the same models with the same rights.
///
/// The state of a call site outlives its statement (PL/pgSQL keeps simple expressions for a whole transaction), so
/// this is compared for every row. A snapshot needs no deeper comparison than these fields: `xmax` never falls, and
/// while it stays the transactions in progress only become fewer. Rows of the transaction itself appear with
/// `curcid` and disappear with the sub-transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    user: pg_sys::Oid,
    transaction: pg_sys::TimestampTz,
    subtransaction: pg_sys::SubTransactionId,
    xmin: pg_sys::TransactionId,
    xmax: pg_sys::TransactionId,
    xcnt: u32,
    subxcnt: i32,
    curcid: pg_sys::CommandId,
}

impl Statement {
    /// The statement in progress; `None` while no snapshot is active.
    #[inline]
    pub fn current() -> Option<Self> {
        if !ActiveSnapshotSet() {
            return None;
        }
        // SAFETY: a snapshot is active, so the pointer is valid; the fields are plain values.
        let snapshot = unsafe { &*GetActiveSnapshot() };
        Some(Self {
            user: GetUserId(),
            transaction: GetCurrentTransactionStartTimestamp(),
            subtransaction: GetCurrentSubTransactionId(),
            xmin: snapshot.xmin,
            xmax: snapshot.xmax,
            xcnt: snapshot.xcnt,
            subxcnt: snapshot.subxcnt,
            curcid: snapshot.curcid,
        })
    }
}

/// Runs `work`, which reads the catalog, in `statement`. Where no snapshot is active, one is for as long as it runs.
pub fn under_snapshot<R>(
    statement: Option<Statement>,
    work: impl FnOnce() -> Result<R>,
) -> Result<R> {
    if statement.is_some() {
        return work();
    }
    // SAFETY: popped below; after an error the abort pops it.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    let result = work()?;
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    Ok(result)
}
