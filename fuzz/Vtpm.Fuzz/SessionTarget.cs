using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;

namespace Vtpm.Fuzz;

/// <summary>Whole sessions: the input is a program of commands (<see cref="SessionProgram"/>), with handles, sizes and HMACs made right.</summary>
public sealed class SessionTarget : IFuzzTarget
{
    public string Name => "session";

    public void Run(ReadOnlySpan<byte> input) => SessionMachine.Run(input);

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        foreach ((string name, Action<TestTpm> script) in Corpus.Scripts()) yield return (name, SessionRecorder.Record(script));
    }
}
