using Org.BouncyCastle.Crypto;
using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

/// <summary>Our raw operations where BouncyCastle's paddings expect RSA.</summary>
internal sealed class RawRsaCipher(TestKey key, ITpmRsaPrivateKey? privateKey) : IAsymmetricBlockCipher
{
    private bool _forEncryption;

    public string AlgorithmName => "RSA";

    public void Init(bool forEncryption, ICipherParameters parameters) => _forEncryption = forEncryption;

    // As BouncyCastle's own engine has it: what goes into an encryption is a byte shorter than the modulus, what comes out of a decryption too.
    public int GetInputBlockSize() => _forEncryption ? key.Size - 1 : key.Size;

    public int GetOutputBlockSize() => _forEncryption ? key.Size : key.Size - 1;

    public byte[] ProcessBlock(byte[] inBuf, int inOff, int inLen)
    {
        var output = new byte[key.Size];
        ReadOnlySpan<byte> input = inBuf.AsSpan(inOff, inLen);
        bool done = privateKey is null
            ? new OpenSslRsa().PublicOperation(key.Modulus, key.Exponent, input, output)
            : privateKey.PrivateOperation(input, output);
        if (!done) throw new InvalidCipherTextException("the raw operation was refused");
        return _forEncryption ? output : output[1..];
    }
}
