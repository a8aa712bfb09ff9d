import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson, type Shape, Unexpected } from './json.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string, shape: Shape) => readJson(bytes(text), shape, 'f.json')[0];

describe('reading JSON by a list of fields', () => {
  const shape: Shape = {
    fields: { name: 'value', list: { list: { fields: { n: 'value' } } }, map: { map: (key) => key.startsWith('a') } },
  };

  it('keeps what is named and nothing else', () => {
    const text =
      '{"secret":{"name":"x"},"name":"a\\u00e9\\n","list":[{"n":1,"m":[[{}]]},{"n":-2.5e3},null],"map":{"a1":"x","b":"y"},"z":null}';
    expect(read(text, shape)).toEqual({
      name: 'aé\n',
      list: [{ n: 1 }, { n: -2500 }, null],
      map: { a1: 'x' },
    });
  });

  it('finds a field whose name is written with escapes, and takes the last of two', () => {
    expect(read('{"n\\u0061me":"x"}', shape)).toEqual({ name: 'x' });
    expect(read('{"name":"x","name":"y"}', shape)).toEqual({ name: 'y' });
  });

  it('takes names in any case where it is asked to, and only there', () => {
    const inner: Shape = { fields: { 'max-n': 'value' }, anyCase: true };
    const text = '{"Params":{"MAX-N":1},"params":{"Max-n":2,"max\\rn":3,"maxMn":4},"PARAMS":{"max-n":5}}';
    expect(read(text, { fields: { params: inner } })).toEqual({ params: { 'max-n': 2 } });
  });

  it('puts a marker without the content where the kind is another', () => {
    const got = read('{"name":{"secret":"s3cr3t"},"list":"s3cr3t"}', shape);
    expect(got).toEqual({ name: new Unexpected('an object'), list: new Unexpected('a text') });
    expect(JSON.stringify(got)).not.toContain('s3cr3t');
  });

  it('reads several values in a row', () => {
    expect(readJson(bytes('{"name":1}\n{"name":2} '), shape, 'f')).toEqual([{ name: 1 }, { name: 2 }]);
  });

  it('reads those of a list as if they stood in a row', () => {
    expect(readJson(bytes('[{"name":1}, {"name":2}]\n{"name":3}'), shape, 'f')).toEqual(
      [1, 2, 3].map((name) => ({ name })),
    );
    expect(() => readJson(bytes('[{"name":1}, {"name":'), shape, 'f')).toThrow('f is cut short: it ends in [1].name');
    expect(() => readJson(bytes('[]'), shape, 'f')).toThrow('f is empty');
  });

  it('agrees with JSON.parse on any value', () => {
    const anything: Shape = { fields: { v: { list: 'value' } } };
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string({ unit: 'binary' }), fc.double({ noDefaultInfinity: true, noNaN: true }), fc.boolean()),
        ),
        fc.jsonValue(),
        fc.nat({ max: 4 }),
        (v, other, indent) => {
          const text = JSON.stringify({ other, v, more: other }, null, indent);
          expect(read(text, anything)).toEqual({ v: JSON.parse(JSON.stringify(v)) });
        },
      ),
    );
  });

  it('says of any text cut short that it is, and never takes it', () => {
    const text = '{"name":"né","list":[{"n":-1.5e3,"x":{"y":[true,false,null]}}],"map":{"a":"\\u0041"}}';
    const whole = bytes(text);
    for (let length = 1; length < whole.length; length++) {
      expect(() => readJson(whole.subarray(0, length), shape, 'f.json')).toThrow(/^f\.json is cut short/);
    }
  });

  it('names the place and the object of a fault', () => {
    const named: Shape = {
      fields: {
        pods: { list: { fields: { metadata: { fields: { name: 'value', namespace: 'value' } }, spec: 'value' } } },
      },
    };
    const text =
      '{"pods":[{"metadata":{"name":"a","namespace":"t"},"spec":1},{"metadata":{"name":"b","namespace":"t"},"spec":tru}]}';
    expect(() => read(text, named)).toThrow(/byte \d+ in pods\[1\]\.spec \(t\/b\): expected a value/);
  });

  it.each([
    '{"a" 1}',
    '[1 2]',
    '{"a":01}',
    '{"a":.5}',
    '{,}',
    '{"a":1,}',
    '{"a":"\\x"}',
    '{"a":"\t"}',
    'nul',
    "{'a':1}",
  ])('refuses %s', (text) => {
    expect(() => read(text, { fields: { a: 'value' } })).toThrow(/f\.json/);
  });

  it('refuses bottomless nesting without running out of stack', () => {
    expect(() => read(`{"x":${'['.repeat(1e6)}`, shape)).toThrow(/nested deeper than 200/);
  });

  it('is not led astray by names that objects have of themselves', () => {
    const got = read('{"map":{"a":"1"},"__proto__":{"name":"x"},"constructor":1}', {
      fields: { map: { map: () => true } },
    });
    expect(got).toEqual({ map: { a: '1' } });
    expect(Object.getPrototypeOf(got)).toBeNull();
  });
});
