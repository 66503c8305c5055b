using Vtpm.Engine;
using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;

namespace Vtpm.Fuzz;

/// <summary>A state that came out of a file is held to what any is: it can be written and read again, and works.</summary>
internal static class StateWitness
{
    /// <summary>How many commands of the corpus each state is sent.</summary>
    public const int CommandsEach = 8;

    private static readonly Lazy<byte[][]> Commands = new(() =>
        [.. Corpus.OneOfEach.Where(entry => entry.Sessions == 0).Select(entry => entry.Request.ToArray())]);

    /// <param name="state">The state.</param>
    /// <param name="rsa">What it was read with.</param>
    /// <param name="first">Which of the commands come first, and how the TPM is started.</param>
    /// <exception cref="TheoryException">It is not as a state has to be.</exception>
    public static void Check(PermanentState state, TransparentRsa rsa, byte first)
    {
        ReadOnlyMemory<byte> written = StateFormat.Write(state, new ScratchArena());
        ReadOnlyMemory<byte> again = StateFormat.Write(StateFormat.Read(written.Span, rsa), new ScratchArena());
        if (!again.Span.SequenceEqual(written.Span)) throw new TheoryException("the state comes back as another one");

        Tpm12 engine = FuzzPlatform.NewEngine(rsa: rsa);
        var runner = new TheoryRunner(engine);
        TpmState tpm = engine.PowerOn(state);
        byte[] startup = Convert.FromHexString("00c10000000c00000099000" + (1 + first % 2));
        runner.Run(tpm, 0, startup, out tpm);
        for (int i = 0; i < CommandsEach; i++) runner.Run(tpm, 0, Commands.Value[(first + i) % Commands.Value.Length], out tpm);
    }
}
