using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A privacy CA's encryption to an endorsement key, by another library.</summary>
internal static class Oaep
{
    public static byte[] Encrypt(byte[] modulus, byte[] message)
    {
        var oaep = new OaepEncoding(new RsaEngine(), new Sha1Digest(), new Sha1Digest(), "TCPA"u8.ToArray());
        oaep.Init(true, new RsaKeyParameters(false, new(1, modulus), new("65537")));
        return oaep.ProcessBlock(message, 0, message.Length);
    }
}
