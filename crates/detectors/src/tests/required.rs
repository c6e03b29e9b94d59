//! What somebody asks for by its name is looked for, by one detector.

use super::*;

#[test]
fn an_attribute_that_is_off_is_switched_on_where_nobody_finds_it_by_itself() {
    use DetectorName::{Ec2, Eks, System};
    let mut both = settings();
    both.require(&[System, Ec2], "host.id");
    assert!(both.system.resource_attributes.is_empty(), "the instance's id is the one that is meant");
    let mut alone = settings();
    alone.require(&[System], "host.id");
    assert!(alone.system.resource_attributes["host.id"].enabled);
    let mut cluster = settings();
    cluster.require(&[Ec2, Eks], "k8s.cluster.name");
    assert!(cluster.eks.resource_attributes["k8s.cluster.name"].enabled);
    assert!(cluster.ec2.resource_attributes.is_empty());
    let mut tag = settings();
    tag.require(&[Ec2], "ec2.tag.team");
    tag.require(&[Ec2], "ec2.tag.team");
    assert_eq!(tag.ec2.required_tags, ["team"]);
}
