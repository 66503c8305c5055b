using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;

namespace Vtpm.Storage.Tests;

/// <summary>The image's ciphers once more, on another library: an independent witness.</summary>
internal static class ReferenceCrypto
{
    public static byte[] Cmac(byte[] key, ReadOnlySpan<byte> message)
    {
        var mac = new CMac(new AesEngine());
        mac.Init(new KeyParameter(key));
        byte[] bytes = message.ToArray();
        mac.BlockUpdate(bytes, 0, bytes.Length);
        var result = new byte[16];
        mac.DoFinal(result, 0);
        return result;
    }

    /// <summary>Key stream of the original's CTR, block by block: the second half of the counter counts as an x86 word.</summary>
    public static byte[] KeyStream(byte[] key, ReadOnlySpan<byte> counter, int blocks)
    {
        var aes = new AesEngine();
        aes.Init(true, new KeyParameter(key));
        byte[] block = counter.ToArray();
        var stream = new byte[blocks * 16];
        for (int i = 0; i < blocks; i++)
        {
            aes.ProcessBlock(block, 0, stream, i * 16);
            for (int at = 8; at < 16 && ++block[at] == 0; at++)
            {
                // The carry goes up through the second half only.
            }
        }

        return stream;
    }

    public static byte[] Xor(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        byte[] result = left.ToArray();
        for (int i = 0; i < result.Length; i++) result[i] ^= right[i];
        return result;
    }

    public static byte[] Ctr(byte[] key, ReadOnlySpan<byte> counter, ReadOnlySpan<byte> data) =>
        Xor(data, KeyStream(key, counter, (data.Length + 15) / 16));

    public static byte[] Cbc(bool encrypt, byte[] key, byte[] vector, byte[] data)
    {
        var cipher = new BufferedBlockCipher(new CbcBlockCipher(new AesEngine()));
        cipher.Init(encrypt, new ParametersWithIV(new KeyParameter(key), vector));
        return cipher.DoFinal(data);
    }
}
