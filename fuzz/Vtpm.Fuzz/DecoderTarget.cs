using Vtpm.Engine;
using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// Any bytes as one command, as they are and with the right size, on each of a few states; or, where the first byte is not zero, as the structure of
/// the wire that the next two name.
/// </summary>
public sealed class DecoderTarget : IFuzzTarget
{
    private readonly WireStructures _structures = new();
    private readonly Lazy<IReadOnlyList<TpmState>> _states = new(() => [.. States()]);

    public string Name => "decoder";

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < 2) return;
        if (input[0] != 0)
        {
            if (input.Length >= 3) _structures.Run((ushort)(input[1] << 8 | input[2]), input[3..]);
            return;
        }

        int locality = input[1] & 7;
        ReadOnlySpan<byte> request = input[2..];
        byte[] sized = CorpusEntry.Sized(request);
        bool isSized = request.SequenceEqual(sized);
        for (int i = 0; i < _states.Value.Count; i++)
        {
            var machine = new TheoryRunner(FuzzPlatform.NewEngine());
            machine.Run(_states.Value[i], locality, sized);
            if (!isSized) machine.Run(_states.Value[i], locality, request);
        }
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        foreach (CorpusEntry entry in Corpus.OneOfEach)
            yield return ($"{entry.Ordinal}-{entry.Sessions}", [0, (byte)entry.Locality, .. entry.Request]);
        foreach (ushort id in _structures.Ids) yield return ($"structure-{id:x4}", [1, (byte)(id >> 8), (byte)id, .. new byte[64]]);
    }

    private static IEnumerable<TpmState> States()
    {
        TpmState busy = PreparedTpm.Of(SessionStart.Busy).State;
        yield return busy;
        yield return PreparedTpm.Of(SessionStart.PoweredOn).State;
        yield return PreparedTpm.Of(SessionStart.Started).State;
        yield return busy with { Permanent = busy.Permanent with { Flags = busy.Permanent.Flags with { Disable = true } } };
        yield return busy with { StClearFlags = busy.StClearFlags with { Deactivated = true, PhysicalPresence = true } };
        yield return busy.InFailureMode(FailureCause.Defect);
    }
}
