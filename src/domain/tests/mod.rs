//! The rules, held to: the whole chart as one page, random days, the stored form, and days told as stories.

mod budgets;
mod desk;
mod matrix;
mod random;
mod shadow;
mod shorthand;
mod stored;
mod stories;
