//! Kubernetes' own kinds, and objects that come as JSON.

use std::sync::Arc;

use nuncio_api::{Defaults, IntOrString, Remains, Spec, Text, from_json};
use serde_json::json;

use crate::support::{is_invalid, named, only, read};

#[test]
fn a_service_is_read() {
    let object = only(
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, uid: x, finalizers: [a]}\nspec:\n  type: \
         ClusterIP\n  clusterIP: 10.0.0.1\n  sessionAffinity: None\n  ports:\n  - {name: http, port: 80, targetPort: \
         8080}\n  - {name: grpc, port: 81, targetPort: grpc}\nstatus: {loadBalancer: {}}\n",
    );
    assert!(object.problems.is_empty(), "{:?}", object.problems);
    let Spec::Service(service) = object.spec else { panic!() };
    assert_eq!(service.cluster_ip.as_deref(), Some("10.0.0.1"));
    assert_eq!(service.ports[0].target_port, Some(IntOrString::Int(8080)));
    assert_eq!(service.ports[1].target_port, Some(IntOrString::String("grpc".to_owned())));
}

#[test]
fn an_endpoint_slice_is_read() {
    let object = only(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1, labels: \
         {kubernetes.io/service-name: web}}\naddressType: IPv4\nendpoints:\n- {addresses: [127.0.0.1], conditions: \
         {ready: true}, nodeName: n}\n- {addresses: [127.0.0.2], conditions: {ready: false, terminating: true}}\nports:\n- \
         {name: '', port: 8080, protocol: TCP}\n",
    );
    assert_eq!(object.labels["kubernetes.io/service-name"], "web");
    let Spec::EndpointSlice(slice) = object.spec else { panic!() };
    assert_eq!((slice.endpoints.len(), slice.ports[0].port), (2, Some(8080)));
    assert_eq!(slice.endpoints[1].conditions.ready, Some(false));
}

#[test]
fn a_secret_is_decoded_and_never_shown() {
    let object = only(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/tls\ndata:\n  tls.key: |\n    c2Vj\n    \
         cmV0\n  both: b2xk\nstringData: {both: plain, text: letters}\n",
    );
    let shown = format!("{object:?}");
    let Spec::Secret(secret) = object.spec else { panic!("{shown}") };
    assert_eq!(secret.data["tls.key"].expose(), b"secret");
    assert_eq!(secret.data["both"].expose(), b"plain");
    assert_eq!(secret.data["text"].expose(), b"letters");
    let json = serde_json::to_string(&secret).unwrap();
    for hidden in ["secret\"", "plain", "letters", "c2Vj"] {
        assert!(!shown.contains(hidden) && !json.contains(hidden), "{shown} {json}");
    }
}

/// Not even what is wrong with a Secret tells what is in it.
#[test]
fn a_broken_secret_is_not_shown_either() {
    for data in
        ["data: {key: 'hunter2!'}", "data: {key: [hunter2]}", "data: hunter2", "stringData: {key: {hunter2: 1}}"]
    {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n");
        let parsed = read(&text);
        let object = named(&parsed, "Secret default/s");
        assert!(is_invalid(object), "{data}");
        assert!(!format!("{:?}", object.problems).contains("hunter2"), "{:?}", object.problems);
        assert_eq!(Text::new(text.as_bytes()).snippet(&object.problems[0].1), "");
    }
    let parsed = read("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: hunter2, a: b}\n");
    assert!(!format!("{parsed:?}").contains("hunter2"));
    assert_eq!(parsed.problems[0].id.as_ref().unwrap().to_string(), "Secret default/s");
}

#[test]
fn json_from_an_api_server_is_read_like_yaml() {
    let mapping = |name: &str| {
        json!({
            "apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping",
            "metadata": {"name": name, "creationTimestamp": null, "labels": {"a": "b"}, "generation": 3, "uid": "0b"},
            "spec": {"prefix": "/", "service": "web", "weight": 10, "headers": {"x": "yes"}, "case_sensitive": false},
        })
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [mapping("a"), mapping("b"), {"kind": "x"}]});
    let parsed = from_json(list.to_string().as_bytes(), &Arc::from("cluster"), &Defaults::default()).unwrap();
    assert_eq!((parsed.objects.len(), parsed.problems.len()), (2, 1));
    let Spec::Mapping(spec) = &parsed.objects[0].spec else { panic!("{parsed:?}") };
    assert_eq!((spec.weight, spec.case_sensitive, spec.headers["x"].as_str()), (Some(10), Some(false), "yes"));
    assert_eq!(parsed.objects[0].location.to_string(), "cluster");
    assert_eq!((parsed.objects[0].generation, parsed.objects[0].uid.as_deref()), (Some(3), Some("0b")));
}

#[test]
fn json_that_is_nested_too_deep_is_an_object_that_is_not_valid() {
    // With the object, its spec and the Module's config there are three levels around them.
    for (deep, valid) in [(97, true), (98, false), (126, false), (500, false), (50_000, false)] {
        let nest = format!("{}1{}", "[".repeat(deep), "]".repeat(deep));
        let text = format!(
            r#"{{"apiVersion": "getambassador.io/v3alpha1", "kind": "Module", "metadata": {{"name": "ambassador", "uid": "u"}},
            "spec": {{"config": {{"x": {nest}, "ip_allow": [{{"peer": "127.0.0.1"}}]}}}}}}"#
        );
        let parsed = from_json(text.as_bytes(), &Arc::from("cluster"), &Defaults::default()).unwrap();
        let object = named(&parsed, "Module default/ambassador");
        assert_eq!(!is_invalid(object), valid, "{deep}");
        assert_eq!(object.uid.as_deref(), Some("u"));
        if !valid {
            assert_eq!(object.problems[0].0.reason, "TooDeep");
            assert!(matches!(object.spec, Spec::Invalid(Remains::AccessList)), "what it may have shut is shut");
        }
    }
    for broken in ["{", "{} {}", ""] {
        assert!(from_json(broken.as_bytes(), &Arc::from("cluster"), &Defaults::default()).is_err(), "{broken}");
    }
}

#[test]
fn an_ingress_is_read_with_its_class_and_instance() {
    let object = only(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, annotations: {kubernetes.io/ingress.class: \
         ambassador, getambassador.io/ambassador-id: blue}}\nspec:\n  tls: [{hosts: null, secretName: cert}]\n  rules:\n  - \
         http: null\n  - host: a.example\n    http: {paths: [{path: /x, pathType: Later, more: 1, backend: {service: {name: \
         web, port: {name: http}}}}]}\n  defaultBackend: {resource: {apiGroup: x.example, kind: Bucket, name: b}}\nstatus: \
         {loadBalancer: {}}\n",
    );
    assert!(object.problems.is_empty(), "{:?}", object.problems);
    assert_eq!(object.ambassador_id, ["blue"]);
    let Spec::Ingress(ingress) = object.spec else { panic!() };
    assert_eq!(ingress.class_annotation.as_deref(), Some("ambassador"));
    assert!(ingress.rules[0].http.is_none());
    let path = &ingress.rules[1].http.as_ref().unwrap().paths[0];
    assert_eq!(path.path_type.as_deref(), Some("Later"));
    assert_eq!(path.backend.service.as_ref().unwrap().port.name.as_deref(), Some("http"));
    assert_eq!(ingress.default_backend.unwrap().resource.unwrap().kind, "Bucket");
    assert_eq!(ingress.tls[0].hosts, Vec::<String>::new());
}

#[test]
fn an_ingress_class_is_read() {
    let object = only(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: edge, annotations: \
         {ingressclass.kubernetes.io/is-default-class: \"true\"}}\nspec: {controller: x.example/y, parameters: {kind: K}}\n",
    );
    assert_eq!(object.ambassador_id, ["default"]);
    let Spec::IngressClass(class) = object.spec else { panic!() };
    assert_eq!((&*class.controller, class.is_default), ("x.example/y", true));
}

#[test]
fn endpoints_are_told_that_slices_are_read() {
    let parsed =
        read("apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\nsubsets: [{addresses: [{ip: 10.0.0.1}]}]\n");
    let [problem] = &parsed.problems[..] else { panic!("{parsed:?}") };
    assert!(problem.problem.message.contains("EndpointSlice"), "{problem:?}");
    assert_eq!((parsed.objects.len(), parsed.ignored), (0, 0));
}

#[test]
fn an_ingress_of_an_older_version_is_told() {
    for version in ["networking.k8s.io/v1beta1", "extensions/v1beta1"] {
        let parsed = read(&format!("apiVersion: {version}\nkind: Ingress\nmetadata: {{name: web}}\nspec: {{}}\n"));
        assert!(parsed.objects.is_empty());
        assert_eq!(parsed.problems[0].problem.reason, "UnknownVersion", "{version}");
    }
}
