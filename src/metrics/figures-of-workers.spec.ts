import { mergeFigures } from './figures-of-workers';

describe('mergeFigures', () => {
  it('puts the series of each metric together, below its header', () => {
    const of = (worker: number) => `# HELP a A.\n# TYPE a gauge\na{worker="${worker}"} 1\n\n# HELP b B.\n# TYPE b counter\nb{worker="${worker}"} 2\n`;
    expect(mergeFigures([of(1), of(2)])).toBe(
      '# HELP a A.\n# TYPE a gauge\na{worker="1"} 1\na{worker="2"} 1\n\n# HELP b B.\n# TYPE b counter\nb{worker="1"} 2\nb{worker="2"} 2\n',
    );
  });
});
