//! The SQL of a page of documentation, which tests run as it is printed.

/// The blocks of SQL of a page, in order.
pub fn blocks(page: &'static str) -> Vec<&'static str> {
    let blocks = page.split("```sql\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().expect("a block ends"))
        .collect()
}
