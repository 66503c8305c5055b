using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace Vtpm.Crypto.Tests;

public sealed class StirredStreamTests
{
    private readonly byte[] _key = [.. Enumerable.Range(1, StirredStream.KeySize).Select(value => (byte)value)];

    [Fact]
    public void CombineInto_TwoPools_AreHkdfExpansionsOfSuccessiveKeys()
    {
        using var stream = new StirredStream(_key);
        byte[] first = Expand(_key);
        byte[] second = Expand(first[..StirredStream.KeySize]);
        byte[] expected = [.. first[StirredStream.KeySize..], .. second[StirredStream.KeySize..]];
        Assert.Equal(expected, Take(stream, 2 * StirredStream.PoolSize));
    }

    [Fact]
    public void CombineInto_PiecesOfAnyLength_MakeTheSameStream()
    {
        using var whole = new StirredStream(_key);
        using var pieces = new StirredStream(_key);
        byte[] expected = Take(whole, 1275);
        var actual = new List<byte>();
        for (int length = 0; length <= 50; length++) actual.AddRange(Take(pieces, length));
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void CombineInto_Destination_IsCombinedByExclusiveOr()
    {
        using var one = new StirredStream(_key);
        using var other = new StirredStream(_key);
        byte[] plain = Take(one, 100), combined = new byte[100];
        Array.Fill(combined, (byte)0x0F);
        other.CombineInto(combined);
        Assert.Equal(plain.Select(value => (byte)(value ^ 0x0F)), combined);
    }

    [Fact]
    public void Stir_Entropy_ExtractsTheNextKeyFromTheOldOne()
    {
        using var stream = new StirredStream(_key);
        stream.Stir("entropy"u8);

        var hmac = new HMac(new Sha512Digest());
        hmac.Init(new KeyParameter(_key));
        hmac.BlockUpdate("entropy"u8);
        var next = new byte[StirredStream.KeySize];
        hmac.DoFinal(next, 0);
        Assert.Equal(Expand(next)[StirredStream.KeySize..], Take(stream, StirredStream.PoolSize));
    }

    [Fact]
    public void Stir_HalfWayThroughThePool_DropsTheRestOfIt()
    {
        using var stream = new StirredStream(_key);
        using var unstirred = new StirredStream(_key);
        Take(stream, 20);
        Take(unstirred, 20);
        stream.Stir([]);
        Assert.NotEqual(Take(unstirred, 20), Take(stream, 20));
    }

    [Fact]
    public void CombineInto_BytesHandedOut_StayNowhereInTheState()
    {
        using var stream = new StirredStream(_key);
        byte[] taken = Take(stream, 40);
        Assert.Equal(-1, stream.State.IndexOf(taken.AsSpan(0, 8)));
        Assert.Equal(-1, stream.State.IndexOf(taken.AsSpan(32, 8)));
        Assert.Equal(-1, stream.State.IndexOf(_key.AsSpan(0, 8)));
    }

    [Fact]
    public void Dispose_State_IsZero()
    {
        var stream = new StirredStream(_key);
        Take(stream, 20);
        stream.Dispose();
        Assert.Equal(-1, stream.State.IndexOfAnyExcept((byte)0));
    }

    private static byte[] Take(StirredStream stream, int length)
    {
        var bytes = new byte[length];
        stream.CombineInto(bytes);
        return bytes;
    }

    private static byte[] Expand(byte[] key)
    {
        var hkdf = new HkdfBytesGenerator(new Sha512Digest());
        hkdf.Init(HkdfParameters.SkipExtractParameters(key, "vTPM random"u8.ToArray()));
        var bytes = new byte[StirredStream.KeySize + StirredStream.PoolSize];
        hkdf.GenerateBytes(bytes, 0, bytes.Length);
        return bytes;
    }
}
