//! The first user's password: set by the environment, else made and shown once, on a terminal or in a private file.

use std::path::{Path, PathBuf};

use keyward_api::failure::Failure;
use keyward_api::origin::Origin;
use keyward_api::people::users;
use keyward_api::service::{ADMIN, Service, new_secret_text};
use keyward_api::sign_in::passwords::Password;
use keyward_engine::people::UserChange;

use crate::exit::{Failed, Result};
use crate::private_file;
use crate::settings::variable;

const VARIABLE: &str = "KEYWARD_ADMIN_PASSWORD";
/// The file that the first password is written to.
pub const FILE: &str = "initial-admin-password";

/// Where the first user's password can be learnt.
pub enum FirstPassword {
    /// From whoever set the variable.
    Given,
    /// Here, once.
    Shown(String),
    /// In this file.
    Written(PathBuf),
}

/// The file that the first password is written to.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Gives the first user a password, unless it has one; `shown` where a person is looking.
///
/// # Errors
/// A password that is too weak, or a file or store that cannot be written.
pub async fn ensure(service: &Service, data_dir: &Path, shown: bool) -> Result<Option<FirstPassword>> {
    let user = service.store.find_user(ADMIN).await.map_err(Failure::from)?;
    let Some(user) = user.filter(|user| *user.owner.username == *ADMIN && user.password.is_none()) else {
        return Ok(None);
    };
    let given = variable(VARIABLE).map(|value| value.to_string_lossy().into_owned());
    let password = match &given {
        Some(password) => password.clone(),
        None => new_secret_text(&*service.random),
    };
    let (first, written) = match given {
        Some(_) => (FirstPassword::Given, None),
        None if shown => (FirstPassword::Shown(password.clone()), None),
        None => (FirstPassword::Written(file(data_dir)), Some(file(data_dir))),
    };
    // The file first: a password that counts must be somewhere.
    if let Some(file) = &written {
        private_file::replace(file, format!("{password}\n").as_bytes())
            .map_err(|error| Failed::Refused(format!("cannot write {}: {error}", file.display())))?;
    }
    let origin = Origin::system(service);
    let hash = service
        .passwords
        .hash(Password::from(password), &*service.random)
        .await
        .map_err(|failure| Failed::Refused(format!("{VARIABLE}: {}", failure.message)))?;
    users::change(service, &user.owner.id, &UserChange::Password(origin.at, hash), &origin).await?;
    Ok(Some(first))
}
