package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/azledger/azledger/load"
)

// Every key of the configuration is an environment variable too: AZLEDGER_ and the
// path to the key in capitals, joined by "_". Elements of a list go by number:
//
//	AZLEDGER_LIMITS_MEMORY=4GB
//	AZLEDGER_ACCOUNTS_0_EXPORTS=/mnt/exports
//	AZLEDGER_TAGS_KEYS='[owner, environment]'
//
// A list or a group can be given whole, as YAML. A name that is no key is an error,
// as it is in the file: AZLEDGER_PUBLSH would otherwise publish to the wrong place.
type variables map[string]string

const envPrefix = "AZLEDGER_"

// ofTests are variables that the project's own tests read.
var ofTests = []string{"SHARED", "AZURITE", "REQUIRE_AZURITE"}

func environment(env []string) variables {
	vars := variables{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if key, ok := strings.CutPrefix(name, envPrefix); ok && !slices.Contains(ofTests, key) {
			vars[key] = value
		}
	}
	return vars
}

// take returns a variable and marks it as understood.
func (v variables) take(key string) string {
	value := v[key]
	delete(v, key)
	return value
}

// override sets what the environment gives, and refuses what is left.
func (v variables) override(c *config) error {
	v.take("CONFIG")
	c.secret.StorageConnectionString = load.NewSecret(v.take("STORAGE_CONNECTION_STRING"))
	c.secret.StorageSAS = load.NewSecret(v.take("STORAGE_SAS"))
	c.secret.EnterpriseKey = load.NewSecret(v.take("ENTERPRISE_KEY"))
	c.secret.SigningKey = load.NewSecret(v.take("SIGNING_KEY"))
	if err := v.fill("", reflect.ValueOf(c).Elem()); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		return fmt.Errorf("environment: %s%s is no key of the configuration", envPrefix, key)
	}
	return nil
}

// fill sets one value and, below it, the values it is made of.
func (v variables) fill(name string, value reflect.Value) error {
	if text, ok := v[name]; ok && name != "" {
		delete(v, name)
		if err := set(value, text); err != nil {
			return fmt.Errorf("environment: %s%s: %w", envPrefix, name, err)
		}
	}
	switch value.Kind() {
	case reflect.Struct:
		return v.fillFields(name, value)
	case reflect.Slice:
		return v.fillElements(name, value)
	}
	return nil
}

func (v variables) fillFields(name string, value reflect.Value) error {
	for i := range value.NumField() {
		key, ok := value.Type().Field(i).Tag.Lookup("yaml")
		if !ok {
			continue
		}
		if err := v.fill(under(name, strings.ToUpper(key)), value.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// fillElements sets elements by number; the number after the last one adds one.
func (v variables) fillElements(name string, value reflect.Value) error {
	for i := 0; i < value.Len() || v.has(under(name, strconv.Itoa(i))); i++ {
		if i == value.Len() {
			value.Set(reflect.Append(value, reflect.Zero(value.Type().Elem())))
		}
		if err := v.fill(under(name, strconv.Itoa(i)), value.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func under(name, key string) string {
	if name == "" {
		return key
	}
	return name + "_" + key
}

// has tells whether any variable is the name or stands below it.
func (v variables) has(name string) bool {
	for key := range v {
		if key == name || strings.HasPrefix(key, name+"_") {
			return true
		}
	}
	return false
}

// set gives a text to a value: as it is to a text, as YAML to anything else.
func set(value reflect.Value, text string) error {
	if value.Kind() == reflect.String {
		value.SetString(text)
		return nil
	}
	fresh := reflect.New(value.Type())
	file, err := parser.ParseBytes([]byte(text), 0)
	if err == nil {
		err = yaml.UnmarshalWithOptions([]byte(text), fresh.Interface(), yaml.Strict())
	}
	// The decoder takes 1.5 for a whole number.
	if err != nil || len(file.Docs) != 1 || misshapen(file.Docs[0].Body, value.Type(), "") != nil {
		return fmt.Errorf("%q: want %s", text, wanted(value))
	}
	value.Set(fresh.Elem())
	return nil
}

func wanted(value reflect.Value) string {
	switch value.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list such as [a, b]"
	}
	return "a group such as {key: value}"
}
