//! The row of one model, locked for a change until the transaction ends.
//!
//! It is locked by being written anew, whatever the change is: a transaction whose snapshot is older gets 40001 instead of
//! deploying a version that is gone or leaving a grant behind.

use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::Result;

use super::name_lock;
use super::rights::{self, As, Privilege};
use crate::datum;
use crate::fixed::{Fixed, Rows};

thread_local! {
    static BY_NAME: Fixed = const { Fixed::new(
        c"UPDATE tablenet.stored_model SET next_version = next_version WHERE name OPERATOR(pg_catalog.=) $1 \
          RETURNING model_id, name, owner, deployed, next_version, previous",
        &[pg_sys::TEXTOID],
    ) };
    static BY_ID: Fixed = const { Fixed::new(
        c"UPDATE tablenet.stored_model SET next_version = next_version WHERE model_id OPERATOR(pg_catalog.=) $1 \
          RETURNING model_id, name, owner, deployed, next_version, previous",
        &[pg_sys::INT8OID],
    ) };
    static ADD: Fixed = const { Fixed::new(
        c"INSERT INTO tablenet.stored_model AS m (name, owner, next_version) VALUES ($1, $2, 1) \
          ON CONFLICT (name) DO UPDATE SET next_version = m.next_version \
          RETURNING model_id, name, owner, deployed, next_version, previous",
        &[pg_sys::TEXTOID, pg_sys::REGROLEOID],
    ) };
    static DEPLOY: Fixed = const { Fixed::new(
        c"UPDATE tablenet.stored_model SET deployed = $2, previous = deployed WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID, pg_sys::INT4OID],
    ) };
}

/// A model as it is now; nobody else can change it before the transaction ends. Within an open connection to SPI.
pub struct ModelRow {
    /// Its key.
    pub model_id: Datum,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Oid,
    /// The version in use.
    pub deployed: Option<i32>,
    /// The number that the next version gets.
    pub next_version: i32,
    /// The version in use before.
    pub previous: Option<i32>,
}

impl ModelRow {
    /// Refuses what the current user may not do with the model `name` as it is now, and locks nothing.
    ///
    /// # Errors
    /// Those of [`rights::require`].
    pub fn check(name: &str, needed: Privilege) -> Result<()> {
        let Some((model_id, owner)) = super::key_and_owner(name, As::Now)? else {
            return Err(rights::unknown(name));
        };
        rights::require(name, model_id, owner, needed, As::Now)
    }

    /// The model `name`, for which the current user needs a privilege: before the lock, so that a stranger holds nobody
    /// up, and still when it is there.
    ///
    /// # Errors
    /// Those of [`rights::require`].
    pub fn lock(name: &str, needed: Privilege) -> Result<Self> {
        Self::check(name, needed)?;
        let find = || {
            let rows =
                BY_NAME.with(|statement| statement.write(&[Some(datum::text_datum(name))]))?;
            Self::read(&rows)
        };
        // Another may have given the name to another model while this waited for the row that had it.
        let found = match find()? {
            Some(model) => Some(model),
            None => find()?,
        };
        let model = found.ok_or_else(|| rights::unknown(name))?;
        rights::require(name, model.model_id, model.owner, needed, As::Now)?;
        name_lock::changed(name);
        Ok(model)
    }

    /// The model with this key, if it is still there.
    pub fn lock_by_id(model_id: i64) -> Result<Option<Self>> {
        let rows = BY_ID.with(|statement| statement.write(&[Some(model_id.into())]))?;
        let model = Self::read(&rows)?;
        if let Some(model) = &model {
            name_lock::changed(&model.name);
        }
        Ok(model)
    }

    /// The model `name`, which is made for the current user where there is none.
    pub fn lock_or_add(name: &str) -> Result<Option<Self>> {
        let values = [
            Some(datum::text_datum(name)),
            Some(crate::owner::caller().into()),
        ];
        let rows = ADD.with(|statement| statement.write(&values))?;
        Self::read(&rows)
    }

    /// Puts `version` to use.
    pub fn deploy(&mut self, version: i32) -> Result<()> {
        if self.deployed == Some(version) {
            return Ok(());
        }
        DEPLOY.with(|statement| {
            statement.write(&[Some(self.model_id), Some(Datum::from(version))])
        })?;
        self.previous = self.deployed.replace(version);
        Ok(())
    }

    fn read(rows: &Rows) -> Result<Option<Self>> {
        let (Some(model_id), Some(name), Some(owner), Some(next_version)) = (
            rows.get(0, 0),
            rows.get(0, 1),
            rows.get(0, 2),
            rows.get(0, 4),
        ) else {
            return Ok(None);
        };
        let number = |column| rows.get(0, column).map(|number| number.value() as i32);
        Ok(Some(Self {
            model_id,
            // SAFETY: the column is text.
            name: unsafe { datum::text(name)? }.to_string(),
            owner: Oid::from(owner.value() as u32),
            deployed: number(3),
            next_version: next_version.value() as i32,
            previous: number(5),
        }))
    }
}
