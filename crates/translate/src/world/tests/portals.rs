//! Which DevPortal is in force.

use nuncio_api::{Kind, ObjectId};

use super::objects;
use crate::world::World;

fn world(texts: &[&str]) -> World {
    let mut world = super::world();
    texts.iter().for_each(|text| put(&mut world, text));
    world
}

fn put(world: &mut World, text: &str) {
    world.apply(objects(text).into_iter().map(|object| (object.id.clone(), Some(object.into()))));
}

fn reasons(world: &World, id: &ObjectId) -> Vec<&'static str> {
    world.problems(id).into_iter().map(|problem| problem.reason).collect()
}

fn portal(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: getambassador.io/v3alpha1\nkind: DevPortal\nmetadata: {{name: {name}, namespace: a}}\nspec: {spec}\n"
    )
}

fn id(name: &str) -> ObjectId {
    ObjectId::new(Kind::DevPortal, "a", name)
}

fn chosen(world: &World) -> Option<&str> {
    world.dev_portal().map(|(id, _)| &*id.name)
}

#[test]
fn the_default_is_in_force_else_the_first_by_name() {
    let mut world = world(&[&portal("b", "{}"), &portal("a", "{}")]);
    assert_eq!(chosen(&world), Some("a"));
    assert_eq!(reasons(&world, &id("b")), ["NotInForce"]);
    world.take_turned();
    put(&mut world, &portal("b", "{default: true}"));
    assert_eq!(chosen(&world), Some("b"));
    assert_eq!((reasons(&world, &id("a")), reasons(&world, &id("b"))), (vec!["NotInForce"], vec![]));
    assert!(world.take_turned().contains(&id("a")), "it is told of, though it is the same");
    put(&mut world, &portal("a", "{default: true}"));
    assert_eq!(chosen(&world), Some("a"));
    world.apply([(id("a"), None)]);
    assert_eq!((chosen(&world), reasons(&world, &id("b"))), (Some("b"), vec![]));
}

#[test]
fn one_that_is_not_valid_is_not_in_force() {
    let world = world(&[&portal("a", "{default: true, docs: [{service: x}]}"), &portal("b", "{}")]);
    assert_eq!(chosen(&world), Some("b"));
    assert!(reasons(&world, &id("b")).is_empty());
}
