using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Tests.Theories;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// Any bytes as the state of a TPM, or, where the first byte is odd, as a vTPM's disk image whose hash the manager keeps. A state that can be read
/// can be written and read again, and works.
/// </summary>
public sealed class StateTarget : IFuzzTarget
{
    public string Name => "state";

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < 2) return;
        if ((input[0] & 1) == 0) RunState(input[1], input[2..]);
        else RunImage(input[2..].ToArray());
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        var states = Corpus.Entries.Select(entry => entry.State.Permanent).Distinct(ReferenceEqualityComparer.Instance).Cast<PermanentState>();
        foreach (var (state, i) in states.DistinctBy(Shape).Select((state, i) => (state, i)))
            yield return ($"state-{i}", [0, (byte)(i * StateWitness.CommandsEach), .. StateFormat.Write(state, new ScratchArena()).Span]);
        var store = new MemoryBlockStore(4096);
        var image = new VtpmImage(store);
        image.StartFresh();
        image.Save(new byte[100], new byte[VtpmImage.HashKeySize]);
        byte[] bytes = new byte[4096];
        store.Read(0, bytes);
        yield return ("image", [1, 0, .. bytes]);
    }

    /// <summary>States that differ in what they have, not only in what it is worth.</summary>
    private static string Shape(PermanentState state) => string.Join(
        ' ',
        StateFormat.Write(state, new ScratchArena()).Length,
        state.Nv.Areas.Length,
        state.OwnerEvictKeys.Count,
        state.SavedState is null);

    private static void RunState(byte first, ReadOnlySpan<byte> bytes)
    {
        var rsa = new TransparentRsa();
        PermanentState state;
        try
        {
            state = StateFormat.Read(bytes, rsa);
        }
        catch (StateFormatException)
        {
            return;
        }

        StateWitness.Check(state, rsa, first);
    }

    /// <summary>Both slots may be the live one: their hashes are what the manager keeps.</summary>
    private static void RunImage(byte[] bytes)
    {
        for (int slot = 0; slot < 2; slot++)
        {
            int offset = slot * (bytes.Length / 512 * 512 / 2);
            if (bytes.Length < offset + 4) return;
            uint length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(offset));
            byte[] hashKey = new byte[VtpmImage.HashKeySize];
            if (length <= bytes.Length - offset - 4) SHA1.HashData(bytes.AsSpan(offset + 4, (int)length), hashKey);
            var image = new VtpmImage(new MemoryBlockStore([.. bytes]));
            VtpmImageLoad load = image.Load(hashKey);
            if (load.Content != VtpmImageContent.Loaded) continue;
            byte[] newKey = new byte[VtpmImage.HashKeySize];
            if (image.Save(load.State, newKey).Write != VtpmImageWrite.Written) throw new TheoryException("an image that was loaded cannot be saved");
            image.Accept();
            if (!image.Load(newKey).State.AsSpan().SequenceEqual(load.State)) throw new TheoryException("an image comes back as another one");
        }
    }
}
