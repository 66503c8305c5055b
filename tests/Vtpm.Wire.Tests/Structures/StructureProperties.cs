using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Vtpm.Wire.Tests;

/// <summary>What holds for every structure of the wire, present and to come: found by reflection, filled with seeded random values.</summary>
[SuppressMessage("Security", "CA5394", Justification = "Seeded on purpose: a failure names its seed.")]
public sealed class StructureProperties
{
    private const int Seeds = 100;

    /// <summary>They begin with one of two versions, or have a least length.</summary>
    private static readonly HashSet<Type> s_noZeroForm =
    [
        typeof(TpmKey), typeof(TpmStoredData), typeof(VtpmGroupRecover1Request), typeof(VtpmHashKey), typeof(VtpmMakeIdentityRequest),
        typeof(VtpmMakeIdentityResponse), typeof(VtpmActivateIdentityRequest),
    ];

    public static TheoryData<string> All => [.. StructureCase.Names];

    [Theory, MemberData(nameof(All))]
    public void Structure_WrittenAndRead_HasEveryField(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        for (int seed = 0; seed < Seeds; seed++)
        {
            object value = structure.Random(new Random(seed));
            byte[] bytes = structure.ToBytes(value);
            TpmResult result = structure.Read(bytes, out object read);

            Assert.True(result == TpmResult.Success, $"seed {seed}: {result}");
            Assert.Equal(Dump(value), Dump(read));
            Assert.Equal(bytes, structure.ToBytes(read));
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_Measured_IsAsLongAsWritten(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        for (int seed = 0; seed < Seeds; seed++)
        {
            object value = structure.Random(new Random(seed));
            byte[] buffer = new byte[structure.Measure(value)];

            Assert.Equal(TpmResult.Success, structure.Write(value, buffer));
            Assert.Equal(structure.ToBytes(value), buffer);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_TruncatedAtAnyOffset_IsReported(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        for (int seed = 0; seed < 10; seed++)
        {
            byte[] bytes = structure.ToBytes(structure.Random(new Random(seed)));
            for (int length = 0; length < bytes.Length; length++)
            {
                TpmResult result = structure.Read(bytes.AsSpan(0, length), out object read);
                if (structure.IsOpenEnded && result == TpmResult.Success) Assert.Equal(bytes[..length], structure.ToBytes(read));
                else Assert.True(result == TpmResult.BadParamSize, $"seed {seed}, {length} of {bytes.Length} bytes: {result}");
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_FollowedByAByte_IsReported(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        for (int seed = 0; seed < 10; seed++)
        {
            byte[] bytes = [.. structure.ToBytes(structure.Random(new Random(seed))), 0];
            TpmResult result = structure.Read(bytes, out object read);
            if (structure.IsOpenEnded && result == TpmResult.Success) Assert.Equal(bytes, structure.ToBytes(read));
            else Assert.Equal(TpmResult.BadParamSize, result);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_WrittenIntoTooLittleRoom_IsReported(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        object value = structure.Random(new Random(1));
        int whole = structure.Measure(value);
        for (int room = 0; room < whole; room++) Assert.Equal(TpmResult.Size, structure.Write(value, new byte[room]));
    }

    /// <summary>Whatever is accepted has one form, so that a digest over the structure read is a digest over the bytes sent.</summary>
    [Theory, MemberData(nameof(All))]
    public void Structure_WithAnyByteChanged_IsRefusedOrHasOneForm(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        for (int seed = 0; seed < 10; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = structure.ToBytes(structure.Random(random));
            for (int offset = 0; offset < bytes.Length; offset++)
            {
                byte[] changed = [.. bytes];
                changed[offset] ^= (byte)random.Next(1, 256);
                if (structure.Read(changed, out object read) != TpmResult.Success) continue;
                byte[] rewritten = structure.ToBytes(read);
                if (!rewritten.AsSpan().SequenceEqual(changed)) AssertOnlyARevisionDiffers(changed, rewritten);
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_WithHostileLengths_AllocatesLittle(string name)
    {
        const int Bound = 64 * 1024;
        StructureCase structure = StructureCase.Of(name);
        byte[] bytes = structure.ToBytes(structure.Random(new Random(2)));
        foreach (uint hostile in (uint[])[uint.MaxValue, int.MaxValue, 0x80000000, 0x7FFFFFFE, 0x00FFFFFF, 0x0000FFFF])
        {
            for (int offset = 0; offset + sizeof(uint) <= bytes.Length; offset++)
            {
                byte[] changed = [.. bytes];
                BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(offset), hostile);
                long before = GC.GetAllocatedBytesForCurrentThread();
                structure.Read(changed, out _);
                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated < Bound, $"{hostile:X8} at {offset}: {allocated} bytes");
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_ReadFromNoise_IsRefusedOrAsLong(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        var random = new Random(3);
        for (int i = 0; i < 1000; i++)
        {
            byte[] noise = new byte[random.Next(128)];
            random.NextBytes(noise);
            if (structure.Read(noise, out object read) == TpmResult.Success) Assert.Equal(noise.Length, structure.Measure(read));
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Structure_OfZeroes_IsWrittenUnlessItsFormNeedsMore(string name)
    {
        StructureCase structure = StructureCase.Of(name);
        object zeroes = Activator.CreateInstance(structure.Type)!;
        if (s_noZeroForm.Contains(structure.Type)) Assert.Throws<ArgumentException>(() => structure.ToBytes(zeroes));
        else Assert.Equal(structure.Measure(zeroes), structure.ToBytes(zeroes).Length);
    }

    private static List<string> Dump(object value) =>
        [.. Leaves.Of(value).Select(leaf => $"{leaf.Path} = {Convert.ToHexString(leaf.Bytes)}")];

    /// <summary>The revision of a TPM_STRUCT_VER is ignored on input (Part 2 §5.1): the only bytes that may come back otherwise, as zeroes.</summary>
    private static void AssertOnlyARevisionDiffers(byte[] sent, byte[] rewritten)
    {
        Assert.Equal(sent.Length, rewritten.Length);
        int offset = Enumerable.Range(0, sent.Length).Single(i => sent[i] != rewritten[i]);
        Assert.Equal(0, rewritten[offset]);
        Assert.True(
            rewritten.AsSpan(0, offset + 1).EndsWith((byte[])[1, 1, 0]) || rewritten.AsSpan(0, offset + 1).EndsWith((byte[])[1, 1, 0, 0]),
            $"byte {offset} came back as another");
    }
}
